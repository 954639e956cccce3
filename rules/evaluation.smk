"""Evaluation: how close synthetic images are to acquired ones."""


rule score:
    """A synthetic image is compared with the acquired one inside the region mask."""
    input:
        acquired=graph.acquired,
        synthetic=graph.synthetic,
        mask=graph.mask,
        tissue=graph.score_tissue,
        areas=graph.score_areas,
    output:
        layout.SCORES,
    log:
        "logs/evaluation/score/{session}_desc-{experiment}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        participant=graph.participant,
        session=graph.session_id,
        fold=graph.fold,
        region=graph.study.region,
        metrics=graph.study.evaluation.metrics,
        parts=lambda w, input: options(
            tissue=input.tissue,
            areas=input.areas,
            names=graph.score_names(w),
            pairs=graph.score_pairs,
        ),
        structures=graph.score_structures,
        code=graph.code("evaluation", "score"),
    shell:
        "recontrast step --log {log} evaluation score --acquired {input.acquired} --synthetic {input.synthetic}"
        " --mask {input.mask} --output {output} --participant {params.participant} --session {params.session}"
        " --experiment {wildcards.experiment} --fold {params.fold} --region {params.region}"
        " --metrics {params.metrics} {params.parts} --structures {params.structures:q}"


rule collect:
    """The scores of all sessions and experiments in one long table."""
    input:
        graph.scores,
    output:
        layout.METRICS,
    log:
        "logs/evaluation/collect.log",
    conda:
        "../envs/embedded.yaml"
    params:
        scores=layout.SCORE_LIST,
        code=graph.code("evaluation", "collect"),
    shell:
        "recontrast step --log {log} evaluation collect --scores {params.scores} --output {output}"


rule summarize:
    """Mean, spread and range of every metric over participants."""
    input:
        layout.METRICS,
    output:
        layout.SUMMARY,
    log:
        "logs/evaluation/summarize.log",
    conda:
        "../envs/embedded.yaml"
    params:
        code=graph.code("evaluation", "summarize"),
    shell:
        "recontrast step --log {log} evaluation summarize --metrics {input} --table {output}"


rule compare:
    """Experiments with one target against each other, and regions, participant by participant."""
    input:
        layout.METRICS,
    output:
        table=layout.STATISTICS,
        ranks=layout.RANKS,
    log:
        "logs/evaluation/compare.log",
    conda:
        "../envs/embedded.yaml"
    params:
        who=options(experiments=list(graph.study.experiments), targets=graph.targets),
        confidence=graph.study.evaluation.confidence,
        bootstrap=graph.study.evaluation.bootstrap,
        seed=graph.study.evaluation.seed,
        code=graph.code("evaluation", "compare"),
    shell:
        "recontrast step --log {log} evaluation compare --metrics {input} --table {output.table}"
        " --ranks {output.ranks} {params.who} --confidence {params.confidence} --bootstrap {params.bootstrap}"
        " --seed {params.seed}"


rule table:
    """One table of the study, for people and for programs."""
    input:
        metrics=layout.METRICS,
        statistics=layout.STATISTICS,
        ranks=layout.RANKS,
        cards=graph.table_cards,
    output:
        layout.TABLE,
    log:
        "logs/evaluation/table/{table}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        specification=graph.table_specification,
        cards=lambda w, input: options(cards=input.cards),
        code=graph.code("evaluation", "table"),
    shell:
        "recontrast step --log {log} evaluation table --metrics {input.metrics} --statistics {input.statistics}"
        " --ranks {input.ranks} --specification {params.specification:q} --output {output} {params.cards}"
