"""Lesions: where white matter is ill, on acquired and on synthetic FLAIR, by the same rules."""


rule fit_lesions:
    """From given masks: how bright lesions are and where they lie, without those who are held out."""
    input:
        graph.lesion_training,
    output:
        coefficients=layout.LESION_COEFFICIENTS,
        spatial=layout.LESION_SPATIAL,
    log:
        "logs/lesions/fit_lesions/lesions_without-{heldout}.log",
    wildcard_constraints:
        heldout=graph.held_out,
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        sessions=graph.lesion_list,
        features=graph.study.lesions.features,
        code=graph.code("lesions", "fit_lesions"),
    shell:
        "recontrast step --log {log} lesions fit_lesions --sessions {params.sessions}"
        " --coefficients {output.coefficients} --spatial {output.spatial} --features {params.features}"


rule choose_kappa:
    """The threshold of lesion growth that suits given masks, without those who are held out."""
    input:
        graph.lesion_training,
    output:
        layout.LESION_KAPPA,
    log:
        "logs/lesions/choose_kappa/lesions_without-{heldout}.log",
    wildcard_constraints:
        heldout=graph.held_out,
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        sessions=graph.lesion_list,
        threshold=graph.study.lesions.threshold,
        code=graph.code("lesions", "choose_kappa"),
    shell:
        "recontrast step --log {log} lesions choose_kappa --sessions {params.sessions} --output {output}"
        " --threshold {params.threshold}"


rule predict_lesions:
    """Lesion prediction: a voxel's chance to be lesion, from its brightness and its place."""
    input:
        flair=graph.lesion_flair,
        mask=graph.brain,
        model=graph.lesion_model,
        tissue=graph.lesion_tissue,
        transform=graph.lesion_template,
    output:
        probability=layout.LESION_PROBABILITY,
        lesions=layout.LESION_MASK,
    log:
        "logs/lesions/predict_lesions/{folder}/{session}_space-{reference}_lesions-{source}.log",
    wildcard_constraints:
        source=graph.by("lpa"),
    conda:
        "../envs/embedded.yaml"
    params:
        given=lambda w, input: options(
            coefficients=input.model[:1],
            spatial=input.model[1:],
            transform=input.transform[:1],
            inverse_warp=input.transform[1:],
            csf=input.tissue[:1],
            gm=input.tissue[1:2],
            wm=input.tissue[2:],
        ),
        threshold=graph.study.lesions.threshold,
        code=graph.code("lesions", "predict_lesions"),
    shell:
        "recontrast step --log {log} lesions predict_lesions --flair {input.flair} --mask {input.mask}"
        " --probability {output.probability} --lesions {output.lesions} {params.given}"
        " --threshold {params.threshold}"


rule grow_lesions:
    """Lesion growth: from the spots that are far too bright outwards, until tissue looks normal."""
    input:
        flair=graph.lesion_flair,
        t1w=graph.lesion_t1w,
        mask=graph.brain,
        model=graph.lesion_model,
        tissue=graph.lesion_tissue,
        transform=graph.lesion_template,
    output:
        probability=layout.LESION_PROBABILITY,
        lesions=layout.LESION_MASK,
    log:
        "logs/lesions/grow_lesions/{folder}/{session}_space-{reference}_lesions-{source}.log",
    wildcard_constraints:
        source=graph.by("lga"),
    conda:
        "../envs/embedded.yaml"
    params:
        given=lambda w, input: options(
            chosen=input.model,
            transform=input.transform[:1],
            inverse_warp=input.transform[1:],
        ),
        kappa=graph.lesion_kappa,
        threshold=graph.study.lesions.threshold,
        code=graph.code("lesions", "grow_lesions"),
    shell:
        "recontrast step --log {log} lesions grow_lesions --t1w {input.t1w} --flair {input.flair}"
        " --mask {input.mask} --csf {input.tissue[0]} --gm {input.tissue[1]} --wm {input.tissue[2]}"
        " --probability {output.probability} --lesions {output.lesions} {params.given} {params.kappa}"
        " --threshold {params.threshold}"


rule run_external:
    """Lesions by a tool of the user's."""
    input:
        flair=graph.lesion_flair,
        t1w=graph.lesion_other_images,
        mask=graph.brain,
    output:
        probability=layout.LESION_PROBABILITY,
        lesions=layout.LESION_MASK,
    log:
        "logs/lesions/run_external/{folder}/{session}_space-{reference}_lesions-{source}.log",
    wildcard_constraints:
        source=graph.by("external"),
    conda:
        "../envs/embedded.yaml"
    resources:
        mem_mb=growing(16000),
        runtime=growing(120),
    params:
        command=graph.lesion_command,
        t1w=lambda w, input: options(t1w=input.t1w),
        threshold=graph.study.lesions.threshold,
        code=graph.code("lesions", "run_external"),
    shell:
        "recontrast step --log {log} lesions run_external {params.command} --flair {input.flair}"
        " {params.t1w} --mask {input.mask} --probability {output.probability} --lesions {output.lesions}"
        " --threshold {params.threshold}"


rule fill_lesions:
    """Lesions in T1w are painted over, so that they do not pass for grey matter."""
    input:
        t1w=graph.tissue_source,
        lesions=graph.filled_mask,
        mask=graph.brain,
    output:
        layout.FILLED,
    log:
        "logs/lesions/fill_lesions/{folder}/{session}{entities}_space-{reference}_desc-filled_{suffix}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        code=graph.code("lesions", "fill_lesions"),
    shell:
        "recontrast step --log {log} lesions fill_lesions --t1w {input.t1w} --lesions {input.lesions}"
        " --mask {input.mask} --output {output}"
