"""Diffusion: the series checked and still, its tensor, and the tensor's maps on the reference grid."""


rule correct_motion:
    """The volumes of one diffusion series are laid on one another, and its directions turn along."""
    input:
        dwi=graph.dwi,
        bval=graph.dwi_bval,
        bvec=graph.dwi_bvec,
    output:
        dwi=layout.partly(layout.CORRECTED_DWI, ending="nii.gz"),
        bval=layout.partly(layout.CORRECTED_DWI, ending="bval"),
        bvec=layout.partly(layout.CORRECTED_DWI, ending="bvec"),
        b0=layout.UNWEIGHTED,
    log:
        "logs/diffusion/correct_motion/{folder}/{session}_dwi.log",
    conda:
        graph.env("diffusion", "correct_motion")
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        content=graph.dwi_content,
        motion=graph.study.diffusion.motion,
        b0_threshold=graph.study.diffusion.b0_threshold,
        highest_b=graph.study.diffusion.highest_b,
        backend=graph.backend("diffusion", "correct_motion"),
        code=graph.code("diffusion", "correct_motion"),
    shell:
        "recontrast step --log {log} diffusion correct_motion --dwi {input.dwi:q} --bval {input.bval:q}"
        " --bvec {input.bvec:q} --output {output.dwi} --output-bval {output.bval} --output-bvec {output.bvec}"
        " --b0 {output.b0} --motion {params.motion} --b0-threshold {params.b0_threshold}"
        " --highest-b {params.highest_b} --backend {params.backend}"


rule extract_dwi_brain:
    """The brain is found on the mean of the volumes without diffusion weighting."""
    input:
        layout.UNWEIGHTED,
    output:
        layout.DWI_MASK,
    log:
        "logs/anatomy/extract_brain/{folder}/{session}_dwi.log",
    conda:
        graph.env("anatomy", "extract_brain")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        threshold=graph.dwi_threshold,
        backend=graph.backend("anatomy", "extract_brain"),
        code=graph.code("anatomy", "extract_brain"),
    shell:
        "recontrast step --log {log} anatomy extract_brain --image {input} --mask {output}"
        " --contrast dwi {params.threshold} --backend {params.backend}"


rule fit_tensor:
    """How freely, and along which direction, water moves in each voxel of the brain."""
    input:
        dwi=layout.partly(layout.CORRECTED_DWI, ending="nii.gz"),
        bval=layout.partly(layout.CORRECTED_DWI, ending="bval"),
        bvec=layout.partly(layout.CORRECTED_DWI, ending="bvec"),
        mask=layout.DWI_MASK,
    output:
        fa=layout.partly(layout.NATIVE_DWIMAP, parameter="FA"),
        md=layout.partly(layout.NATIVE_DWIMAP, parameter="MD"),
        mo=layout.partly(layout.NATIVE_DWIMAP, parameter="MO"),
        s0=layout.partly(layout.NATIVE_DWIMAP, parameter="S0"),
        eigenvalues=layout.partly(layout.NATIVE_DWIMAP, parameter="eigenvalues"),
        eigenvectors=layout.partly(layout.NATIVE_DWIMAP, parameter="eigenvectors"),
    log:
        "logs/diffusion/fit_tensor/{folder}/{session}_dwi.log",
    conda:
        graph.env("diffusion", "fit_tensor")
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        method=graph.study.diffusion.fit,
        highest_b=graph.study.diffusion.highest_b,
        b0_threshold=graph.study.diffusion.b0_threshold,
        backend=graph.backend("diffusion", "fit_tensor"),
        code=graph.code("diffusion", "fit_tensor"),
    shell:
        "recontrast step --log {log} diffusion fit_tensor --dwi {input.dwi} --bval {input.bval}"
        " --bvec {input.bvec} --mask {input.mask} --fa {output.fa} --md {output.md} --mo {output.mo}"
        " --s0 {output.s0} --eigenvalues {output.eigenvalues} --eigenvectors {output.eigenvectors}"
        " --method {params.method} --highest-b {params.highest_b} --b0-threshold {params.b0_threshold}"
        " --backend {params.backend}"


rule register_dwi:
    """The signal without diffusion weighting is aligned with the reference contrast."""
    input:
        moving=layout.partly(layout.NATIVE_DWIMAP, parameter="S0"),
        moving_mask=layout.DWI_MASK,
        reference=graph.reference,
        reference_mask=graph.brain,
    output:
        layout.DWI_TRANSFORM,
    log:
        "logs/anatomy/register/{folder}/{session}_from-dwi_to-{reference}.log",
    conda:
        graph.env("anatomy", "register")
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        content=graph.native_content,
        dof=graph.study.diffusion.dof,
        backend=graph.backend("anatomy", "register"),
        code=graph.code("anatomy", "register"),
    shell:
        "recontrast step --log {log} anatomy register --moving {input.moving} --moving-mask {input.moving_mask}"
        " --reference {input.reference:q} --reference-mask {input.reference_mask} --transform {output}"
        " --dof {params.dof} --backend {params.backend}"


rule resample_maps:
    """The maps of the tensor come onto the reference grid, in one third-order interpolation."""
    input:
        maps=expand(
            layout.NATIVE_DWIMAP, parameter=layout.DWI_PARAMETERS, allow_missing=True
        ),
        mask=layout.DWI_MASK,
        reference=graph.reference,
        transform=layout.DWI_TRANSFORM,
    output:
        expand(layout.DWIMAP, parameter=layout.DWI_PARAMETERS, allow_missing=True),
    log:
        "logs/diffusion/resample_maps/{folder}/{session}_space-{reference}_dwi.log",
    conda:
        graph.env("diffusion", "resample_maps")
    params:
        content=graph.native_content,
        parameters=" ".join(layout.DWI_PARAMETERS),
        backend=graph.backend("diffusion", "resample_maps"),
        code=graph.code("diffusion", "resample_maps"),
    shell:
        "recontrast step --log {log} diffusion resample_maps --maps {input.maps} --mask {input.mask}"
        " --parameters {params.parameters} --reference {input.reference:q} --transform {input.transform}"
        " --outputs {output} --backend {params.backend}"
