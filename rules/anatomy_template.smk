"""The way to the standard brain: affine, and bent where the study asks for that."""


rule register_template:
    """The reference is aligned with the standard brain of the Montreal Neurological Institute."""
    input:
        image=graph.prepared_reference,
        mask=graph.brain,
    output:
        layout.TEMPLATE_TRANSFORM,
    log:
        "logs/anatomy/register_template/{folder}/{session}_space-{reference}.log",
    conda:
        graph.env("anatomy", "register_template")
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        backend=graph.backend("anatomy", "register_template"),
        code=graph.code("anatomy", "register_template"),
    shell:
        "recontrast step --log {log} anatomy register_template --image {input.image} --mask {input.mask}"
        " --transform {output} --backend {params.backend}"


if graph.study.anatomy.warp:

    rule warp_template:
        """The standard brain is bent to the reference, where an affine transform ends, and back."""
        input:
            image=graph.prepared_reference,
            mask=graph.brain,
            transform=layout.TEMPLATE_TRANSFORM,
        output:
            warp=layout.TEMPLATE_WARP,
            inverse=layout.INVERSE_WARP,
        log:
            "logs/anatomy/warp_template/{folder}/{session}_space-{reference}.log",
        conda:
            graph.env("anatomy", "warp_template")
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            backend=graph.backend("anatomy", "warp_template"),
            code=graph.code("anatomy", "warp_template"),
        shell:
            "recontrast step --log {log} anatomy warp_template --image {input.image} --mask {input.mask}"
            " --transform {input.transform} --warp {output.warp} --inverse-warp {output.inverse}"
            " --backend {params.backend}"
