"""Training: one frozen model for each experiment and fold."""


rule choose:
    """Of the models that were trained with different settings, the one that suits the validation part best."""
    input:
        models=graph.candidates,
        cards=graph.candidate_cards,
        losses=graph.candidate_losses,
        images=graph.choice_images,
    output:
        model=layout.MODEL,
        card=layout.MODEL_CARD,
        losses=layout.LOSSES,
    log:
        "logs/training/choose/{experiment}_fold-{fold}.log",
    wildcard_constraints:
        experiment=graph.chosen(),
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=graph.gpus,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        settings=graph.candidate_settings,
        sessions=graph.training_list,
        who=graph.training_digest,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.choice_code,
    shell:
        "recontrast step --log {log} training choose --candidates {input.models} --candidate-cards {input.cards}"
        " --candidate-losses {input.losses} --settings {params.settings:q} --sessions {params.sessions}"
        " --model {output.model} --card {output.card} --losses {output.losses}"
        " --packed work/packed --threads {params.threads} --device {params.device}"


rule train:
    """A method learns the target contrast from the participants outside one fold."""
    input:
        graph.training_images,
    output:
        model=layout.MODEL,
        card=layout.MODEL_CARD,
        losses=layout.LOSSES,
    log:
        "logs/training/train/{experiment}_fold-{fold}.log",
    wildcard_constraints:
        experiment=graph.trained(),
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=graph.gpus,
        mem_mb=growing(16000),
        runtime=growing(720),
    params:
        sessions=graph.training_list,
        who=graph.training_digest,
        method=lambda w: graph.model(w).settings.method,
        inputs=lambda w: graph.model(w).inputs,
        target=lambda w: graph.model(w).settings.target,
        recipe=graph.recipe,
        preparation=layout.PREPARATION,
        pseudonyms=layout.PSEUDONYMS,
        emphasis=graph.emphasis,
        seed=graph.study.training.seed,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.training_code,
    shell:
        "recontrast step --log {log} training train --method {params.method} --recipe {params.recipe:q}"
        " --preparation {params.preparation} --pseudonyms {params.pseudonyms} --sessions {params.sessions} --inputs {params.inputs} --target {params.target}"
        " --model {output.model} --card {output.card} --losses {output.losses}"
        " {params.emphasis} --checkpoint work/training/{wildcards.experiment}_fold-{wildcards.fold}"
        " --packed work/packed --seed {params.seed} --threads {params.threads} --device {params.device}"
