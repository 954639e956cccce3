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
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.synthesis_code,
    shell:
        "recontrast step --log {log} synthesis synthesize --model {input.model[0]} --card {input.model[1]}"
        " --images {input.images} --mask {input.mask} --output {output}"
        " --threads {params.threads} --device {params.device}"
