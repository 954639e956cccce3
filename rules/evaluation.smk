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
        windows="--by-slice" if graph.study.evaluation.by_slice else "",
        code=graph.code("evaluation", "score"),
    shell:
        "recontrast step --log {log} evaluation score --acquired {input.acquired} --synthetic {input.synthetic}"
        " --mask {input.mask} --output {output} --participant {params.participant} --session {params.session}"
        " --experiment {wildcards.experiment} --fold {params.fold} --region {params.region}"
        " --metrics {params.metrics} {params.parts} --structures {params.structures:q} {params.windows}"


rule map_metric:
    """Where in the image a metric is good, and where it is bad."""
    input:
        acquired=graph.acquired,
        synthetic=graph.synthetic,
        mask=graph.mask,
    output:
        layout.METRIC_MAP,
    log:
        "logs/evaluation/map_metric/{folder}/{session}_space-{reference}_map-{experiment}-{measure}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        metric=graph.metric,
        windows="--by-slice" if graph.study.evaluation.by_slice else "",
        code=graph.code("evaluation", "map_metric"),
    shell:
        "recontrast step --log {log} evaluation map_metric --metric {params.metric} --acquired {input.acquired}"
        " --synthetic {input.synthetic} --mask {input.mask} --output {output} {params.windows}"


rule trace_profile:
    """Intensities along a line, in the acquired images and in all synthetic ones."""
    input:
        images=graph.profile_images,
        mask=graph.mask,
    output:
        layout.PROFILE,
    log:
        "logs/evaluation/trace_profile/{session}_line-{line}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        participant=graph.participant,
        session=graph.session_id,
        images=lambda w: options(**graph.profiled(w)),
        line=graph.profile_line,
        code=graph.code("evaluation", "trace_profile"),
    shell:
        "recontrast step --log {log} evaluation trace_profile --line {wildcards.line} --mask {input.mask}"
        " --output {output} --participant {params.participant} --session {params.session} {params.images}"
        " {params.line}"


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
        report(
            layout.SUMMARY,
            caption="captions/summary.rst",
            category="Tables",
            labels={"table": "summary"},
        ),
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
        table=report(
            layout.STATISTICS,
            caption="captions/statistics.rst",
            category="Tables",
            labels={"table": "comparisons"},
        ),
        ranks=report(
            layout.RANKS,
            caption="captions/ranks.rst",
            category="Tables",
            labels={"table": "ranks"},
        ),
    log:
        "logs/evaluation/compare.log",
    conda:
        "../envs/embedded.yaml"
    params:
        who=options(
            experiments=list(graph.study.experiments),
            targets=graph.targets,
            whole=graph.study.region,
        ),
        confidence=graph.study.evaluation.confidence,
        bootstrap=graph.study.evaluation.bootstrap,
        seed=graph.study.evaluation.seed,
        code=graph.code("evaluation", "compare"),
    shell:
        "recontrast step --log {log} evaluation compare --metrics {input} --table {output.table}"
        " --ranks {output.ranks} {params.who} --confidence {params.confidence} --bootstrap {params.bootstrap}"
        " --seed {params.seed}"


use rule compare as compare_lesion_scores with:
    input:
        layout.LESION_METRICS,
    output:
        table=layout.LESION_STATISTICS,
        ranks=layout.LESION_RANKS,
    log:
        "logs/evaluation/compare_lesion_scores.log",
    params:
        who=graph.lesion_experiments(),
        confidence=graph.study.evaluation.confidence,
        bootstrap=graph.study.evaluation.bootstrap,
        seed=graph.study.evaluation.seed,
        code=graph.code("evaluation", "compare"),


rule table:
    """One table of the study, for people and for programs."""
    input:
        metrics=graph.table_metrics,
        statistics=graph.table_statistics,
        cards=graph.table_cards,
        times=graph.table_times,
    output:
        table=report(
            layout.TABLE,
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        notes=layout.TABLE_NOTES,
    log:
        "logs/evaluation/table/{table}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        specification=graph.table_specification,
        further=lambda w, input: options(cards=input.cards, times=input.times),
        code=graph.code("evaluation", "table"),
    shell:
        "recontrast step --log {log} evaluation table --metrics {input.metrics} --statistics {input.statistics}"
        " --specification {params.specification:q} --output {output.table} {params.further}"
