"""Synthesis: the missing contrast of a session, by a model that never saw that person."""


rule synthesize:
    """A frozen model makes the target contrast from the prepared inputs of one session."""
    input:
        model=graph.synthesis_model,
        images=graph.synthesis_images,
        mask=graph.mask,
    output:
        layout.SYNTHETIC,
    log:
        "logs/synthesis/synthesize/{folder}/{session}{entities}_space-{reference}_desc-{experiment}_{suffix}.log",
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=graph.prediction_gpus,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        images=graph.listed_images,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.synthesis_code,
    shell:
        "recontrast step --log {log} synthesis synthesize --model {input.model[0]} --card {input.model[1]}"
        " --images {params.images} --mask {input.mask} --output {output}"
        " --threads {params.threads} --device {params.device}"


rule time_prediction:
    """How long a model takes for one session. Its output differs from run to run: only tables of times read it."""
    input:
        model=graph.synthesis_model,
        images=graph.synthesis_images,
        mask=graph.mask,
    output:
        layout.TIME,
    log:
        "logs/synthesis/time_prediction/{session}_desc-{experiment}.log",
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=graph.prediction_gpus,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        images=graph.listed_images,
        threads=graph.study.training.threads,
        device=graph.timed_device,
        code=graph.timing_code,
    shell:
        "recontrast step --log {log} synthesis time_prediction --model {input.model[0]} --card {input.model[1]}"
        " --images {params.images} --mask {input.mask} --output {output} --experiment {wildcards.experiment}"
        " --threads {params.threads} --device {params.device}"


rule explain:
    """How strongly a synthetic image hangs on each of its inputs."""
    input:
        model=graph.synthesis_model,
        images=graph.influence_images,
        mask=graph.mask,
    output:
        map=layout.INFLUENCE_MAP,
        table=layout.INFLUENCE_TABLE,
    log:
        "logs/synthesis/explain/{folder}/{session}_space-{reference}_influence-{experiment}-{kind}.log",
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        mem_mb=growing(16000),
        runtime=growing(60),
    params:
        images=graph.listed_images,
        target=graph.influence_target,
        participant=graph.participant,
        session=graph.session_id,
        fold=graph.fold,
        threads=graph.study.training.threads,
        code=graph.influence_code,
    shell:
        "recontrast step --log {log} synthesis explain --kind {wildcards.kind} --model {input.model[0]}"
        " --card {input.model[1]} --images {params.images} {params.target} --mask {input.mask}"
        " --output {output.map} --table {output.table} --participant {params.participant}"
        " --session {params.session} --experiment {wildcards.experiment} --fold {params.fold}"
        " --threads {params.threads}"


rule summarize_influence:
    """The share of each input over the cohort."""
    input:
        graph.influences,
    output:
        report(
            layout.INFLUENCE,
            caption="captions/influence.rst",
            category="Tables",
            labels={"table": "influence"},
        ),
    log:
        "logs/synthesis/summarize_influence.log",
    conda:
        "../envs/embedded.yaml"
    params:
        listed=layout.INFLUENCE_LIST,
        code=graph.code("synthesis", "summarize_influence"),
    shell:
        "recontrast step --log {log} synthesis summarize_influence --listed {params.listed} --table {output}"
