"""Anatomy: every contrast of a session free of shading, on the grid of its reference, with brain and tissue."""


rule correct_bias:
    """The smooth shading of the coil is divided out of one raw contrast."""
    input:
        graph.raw,
    output:
        layout.CORRECTED,
    log:
        "logs/anatomy/correct_bias/{folder}/{session}{entities}_{suffix}.log",
    conda:
        graph.env("anatomy", "correct_bias")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        content=graph.content,
        shrink=graph.shrink,
        backend=graph.backend("anatomy", "correct_bias"),
        code=graph.code("anatomy", "correct_bias"),
    shell:
        "recontrast step --log {log} anatomy correct_bias --image {input:q} --output {output}"
        " --shrink {params.shrink} --backend {params.backend}"


rule extract_brain:
    """The brain is told from the rest of the head, on the contrast that shows it best."""
    input:
        layout.CORRECTED,
    output:
        layout.NATIVE_MASK,
    log:
        "logs/anatomy/extract_brain/{folder}/{session}{entities}_{suffix}.log",
    conda:
        graph.env("anatomy", "extract_brain")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        threshold=graph.brain_threshold,
        backend=graph.backend("anatomy", "extract_brain"),
        code=graph.code("anatomy", "extract_brain"),
    shell:
        "recontrast step --log {log} anatomy extract_brain --image {input} --mask {output}"
        " --contrast {wildcards.suffix} {params.threshold} --backend {params.backend}"


rule register:
    """One contrast is aligned with the reference contrast of its session."""
    input:
        moving=graph.moving,
        reference=graph.reference,
        moving_mask=graph.moving_mask,
        reference_mask=graph.reference_mask,
    output:
        layout.TRANSFORM,
    log:
        "logs/anatomy/register/{folder}/{session}_from-{contrast}_to-{reference}.log",
    conda:
        graph.env("anatomy", "register")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        masks=lambda w, input: options(
            moving_mask=input.moving_mask, reference_mask=input.reference_mask
        ),
        content=graph.native_content,
        dof=graph.study.anatomy.dof,
        backend=graph.backend("anatomy", "register"),
        code=graph.code("anatomy", "register"),
    shell:
        "recontrast step --log {log} anatomy register --moving {input.moving:q} --reference {input.reference:q}"
        " {params.masks} --transform {output} --dof {params.dof} --backend {params.backend}"


rule carry_mask:
    """The brain mask comes onto the reference grid."""
    input:
        mask=graph.native_mask,
        reference=graph.reference,
        transform=graph.mask_transform,
    output:
        layout.partly(layout.MASK, region="brain"),
    log:
        "logs/anatomy/carry_mask/{folder}/{session}_space-{reference}.log",
    conda:
        graph.env("anatomy", "carry_mask")
    params:
        transform=lambda w, input: options(transform=input.transform),
        backend=graph.backend("anatomy", "carry_mask"),
        code=graph.code("anatomy", "carry_mask"),
    shell:
        "recontrast step --log {log} anatomy carry_mask --mask {input.mask} --reference {input.reference:q}"
        " {params.transform} --output {output} --backend {params.backend}"


rule mask_foreground:
    """In images that come prepared, the region is wherever the reference is not empty."""
    input:
        graph.reference,
    output:
        layout.partly(layout.MASK, region="foreground"),
    log:
        "logs/anatomy/mask_foreground/{folder}/{session}_space-{reference}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        content=graph.native_content,
        code=graph.code("anatomy", "mask_foreground"),
    shell:
        "recontrast step --log {log} anatomy mask_foreground --images {input:q} --output {output}"


rule resample_mask:
    """A mask that the user has comes onto the reference grid."""
    input:
        mask=graph.given_mask,
        reference=graph.reference,
        transform=graph.given_mask_transform,
    output:
        layout.MASK,
    log:
        "logs/anatomy/resample_mask/{folder}/{session}_space-{reference}_mask-{region}.log",
    wildcard_constraints:
        region="(?!(brain|foreground)_)[A-Za-z0-9]+",
    conda:
        graph.env("anatomy", "resample_mask")
    params:
        transform=lambda w, input: options(transform=input.transform),
        content=graph.given_mask_content,
        backend=graph.backend("anatomy", "resample_mask"),
        code=graph.code("anatomy", "resample_mask"),
    shell:
        "recontrast step --log {log} anatomy resample_mask --mask {input.mask:q} --reference {input.reference:q}"
        " {params.transform} --output {output} --backend {params.backend}"


rule resample:
    """One contrast comes onto the reference grid, interpolated once, and to a common intensity."""
    input:
        image=graph.native,
        reference=graph.reference,
        mask=graph.mask,
        transform=graph.transform,
    output:
        layout.PREPROC,
    log:
        "logs/anatomy/resample/{folder}/{session}{entities}_space-{reference}_{suffix}.log",
    conda:
        graph.env("anatomy", "resample")
    params:
        transform=lambda w, input: options(transform=input.transform),
        content=graph.native_content,
        intensity=graph.intensity,
        interpolation=graph.study.anatomy.interpolation,
        backend=graph.backend("anatomy", "resample"),
        code=graph.code("anatomy", "resample"),
    shell:
        "recontrast step --log {log} anatomy resample --image {input.image:q} --reference {input.reference:q}"
        " --mask {input.mask} {params.transform} --output {output}"
        " --intensity {params.intensity} --interpolation {params.interpolation} --backend {params.backend}"


rule segment_tissue:
    """Cerebrospinal fluid, grey and white matter are told apart."""
    input:
        image=graph.tissue_image,
        mask=graph.brain,
    output:
        csf=layout.partly(layout.TISSUE, tissue="CSF"),
        gm=layout.partly(layout.TISSUE, tissue="GM"),
        wm=layout.partly(layout.TISSUE, tissue="WM"),
        segmentation=layout.SEGMENTATION,
    log:
        "logs/anatomy/segment_tissue/{folder}/{session}_space-{reference}.log",
    conda:
        graph.env("anatomy", "segment_tissue")
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        contrast=graph.tissue_suffix,
        backend=graph.backend("anatomy", "segment_tissue"),
        code=graph.code("anatomy", "segment_tissue"),
    shell:
        "recontrast step --log {log} anatomy segment_tissue --image {input.image} --mask {input.mask}"
        " --csf {output.csf} --gm {output.gm} --wm {output.wm} --segmentation {output.segmentation}"
        " --contrast {params.contrast} --backend {params.backend}"
