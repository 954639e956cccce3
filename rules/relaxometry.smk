"""Relaxometry: rates and proton density from the multi-delay multi-echo images, and contrasts made of them."""


rule fit_relaxation:
    """How fast the magnetisation of each voxel comes back and fades, and how much of it there is."""
    input:
        graph.relaxation_images,
    output:
        r1=layout.partly(layout.NATIVE_RELAXATION, relaxation="R1"),
        r2=layout.partly(layout.NATIVE_RELAXATION, relaxation="R2"),
        pd=layout.partly(layout.NATIVE_RELAXATION, relaxation="PD"),
    log:
        "logs/relaxometry/fit_relaxation/{folder}/{session}_relaxometry.log",
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        content=graph.relaxation_content,
        timing=graph.relaxation_timing,
        code=graph.code("relaxometry", "fit_relaxation"),
    shell:
        "recontrast step --log {log} relaxometry fit_relaxation --images {input:q} {params.timing}"
        " --r1 {output.r1} --r2 {output.r2} --pd {output.pd}"


rule register_relaxation:
    """The proton density is aligned with the reference contrast."""
    input:
        moving=layout.partly(layout.NATIVE_RELAXATION, relaxation="PD"),
        reference=graph.reference,
        reference_mask=graph.brain,
    output:
        layout.RELAXATION_TRANSFORM,
    log:
        "logs/anatomy/register/{folder}/{session}_from-relaxometry_to-{reference}.log",
    conda:
        graph.env("anatomy", "register")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        content=graph.native_content,
        dof=graph.study.anatomy.dof,
        backend=graph.backend("anatomy", "register"),
        code=graph.code("anatomy", "register"),
    shell:
        "recontrast step --log {log} anatomy register --moving {input.moving} --reference {input.reference:q}"
        " --reference-mask {input.reference_mask} --transform {output} --dof {params.dof}"
        " --backend {params.backend}"


rule resample_relaxation:
    """One map comes onto the reference grid, its values as they are."""
    input:
        image=layout.NATIVE_RELAXATION,
        reference=graph.reference,
        mask=graph.mask,
        transform=layout.RELAXATION_TRANSFORM,
    output:
        layout.RELAXATION,
    log:
        "logs/anatomy/resample/{folder}/{session}_space-{reference}_{relaxation}map.log",
    conda:
        graph.env("anatomy", "resample")
    params:
        content=graph.native_content,
        backend=graph.backend("anatomy", "resample"),
        code=graph.code("anatomy", "resample"),
    shell:
        "recontrast step --log {log} anatomy resample --image {input.image} --reference {input.reference:q}"
        " --mask {input.mask} --transform {input.transform} --output {output} --intensity keep"
        " --backend {params.backend}"


rule synthesize_contrast:
    """What a pulse sequence would have shown, by its signal equation."""
    input:
        r1=layout.partly(layout.RELAXATION, relaxation="R1"),
        r2=layout.partly(layout.RELAXATION, relaxation="R2"),
        pd=layout.partly(layout.RELAXATION, relaxation="PD"),
    output:
        layout.BLOCH,
    log:
        "logs/relaxometry/synthesize_contrast/{folder}/{session}_space-{reference}_desc-bloch_{suffix}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        timing=graph.bloch_timing,
        code=graph.code("relaxometry", "synthesize_contrast"),
    shell:
        "recontrast step --log {log} relaxometry synthesize_contrast --r1 {input.r1} --r2 {input.r2}"
        " --pd {input.pd} --output {output} {params.timing}"
