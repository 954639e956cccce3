"""Training: one frozen model for each experiment and fold."""


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
        preparation=graph.preparation,
        seed=graph.study.training.seed,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.training_code,
    shell:
        "recontrast step --log {log} training train --method {params.method} --recipe {params.recipe:q}"
        " --preparation {params.preparation:q} --sessions {params.sessions} --inputs {params.inputs} --target {params.target}"
        " --model {output.model} --card {output.card} --losses {output.losses}"
        " --checkpoint work/training/{wildcards.experiment}_fold-{wildcards.fold}"
        " --seed {params.seed} --threads {params.threads} --device {params.device}"
