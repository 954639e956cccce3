"""Lesions in numbers, and against those of another mask."""


rule describe_lesions:
    """How many lesions there are, how large, and where."""
    input:
        lesions=layout.LESION_MASK,
        mask=graph.brain,
        flair=graph.lesion_flair,
        transform=graph.lesion_template,
    output:
        layout.LESION_TABLE,
    log:
        "logs/lesions/describe_lesions/{folder}/{session}_space-{reference}_lesions-{source}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        transform=lambda w, input: options(
            transform=input.transform[:1], inverse_warp=input.transform[1:]
        ),
        smallest=graph.study.lesions.smallest,
        code=graph.code("lesions", "describe_lesions"),
    shell:
        "recontrast step --log {log} lesions describe_lesions --lesions {input.lesions} --mask {input.mask}"
        " --flair {input.flair} --output {output} {params.transform} --smallest {params.smallest}"


rule compare_lesions:
    """The lesions of one mask against those of another: given, or found on the acquired image."""
    input:
        found=layout.LESION_MASK,
        truth=graph.lesion_truth,
        mask=graph.brain,
        images=graph.lesion_compared,
    output:
        layout.LESION_SCORES,
    log:
        "logs/lesions/compare_lesions/{folder}/{session}_space-{reference}_lesions-{source}-{truth}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        participant=graph.participant,
        session=graph.session_id,
        fold=graph.lesion_fold,
        contrast=graph.lesion_contrast,
        code=graph.code("lesions", "compare_lesions"),
    shell:
        "recontrast step --log {log} lesions compare_lesions --found {input.found} --truth {input.truth}"
        " --mask {input.mask} --output {output} --participant {params.participant}"
        " --session {params.session} --found-name {wildcards.source} --truth-name {wildcards.truth}"
        " --fold {params.fold} {params.contrast}"


rule summarize_lesions:
    """Agreement of lesions over the cohort, by how much lesion there is."""
    input:
        graph.lesion_scores,
    output:
        scores=layout.LESION_METRICS,
        summary=report(layout.LESION_SUMMARY, "captions/lesions.rst", category="Tables"),
    log:
        "logs/lesions/summarize_lesions.log",
    conda:
        "../envs/embedded.yaml"
    params:
        listed=layout.LESION_SCORE_LIST,
        code=graph.code("lesions", "summarize_lesions"),
    shell:
        "recontrast step --log {log} lesions summarize_lesions --listed {params.listed}"
        " --scores {output.scores} --summary {output.summary}"
