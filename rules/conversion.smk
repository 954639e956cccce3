"""Conversion: series of DICOM become raw images in BIDS, under pseudonyms."""


rule convert:
    """One image of a series becomes NIfTI; its sidecar keeps the acquisition parameters and nothing else."""
    output:
        layout.RAW,
    log:
        "logs/conversion/convert/{folder}/{datatype}/{session}{entities}_{suffix}.log",
    wildcard_constraints:
        datatype="anat|fmap|func|perf",
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        series=graph.series,
        content=graph.series_content,
        code=graph.code("conversion", "convert"),
    shell:
        "recontrast step --log {log} conversion convert --series {params.series:q} --output {output}"


rule convert_diffusion:
    """A diffusion series becomes NIfTI with its b-values and gradient directions."""
    output:
        image=layout.partly(layout.RAW, datatype="dwi", suffix="dwi"),
        bval=layout.partly(layout.RAW_DWI, ending="bval"),
        bvec=layout.partly(layout.RAW_DWI, ending="bvec"),
    log:
        "logs/conversion/convert_diffusion/{folder}/{session}{entities}_dwi.log",
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        series=graph.series,
        content=graph.series_content,
        code=graph.code("conversion", "convert_diffusion"),
    shell:
        "recontrast step --log {log} conversion convert_diffusion --series {params.series:q}"
        " --output {output.image} --bval {output.bval} --bvec {output.bvec}"
