"""Evaluation: how close synthetic images are to acquired ones."""


rule score:
    """A synthetic image is compared with the acquired one inside the region mask."""
    input:
        acquired=graph.acquired,
        synthetic=graph.synthetic,
        mask=graph.mask,
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
        code=graph.code("evaluation", "score"),
    shell:
        "recontrast step --log {log} evaluation score --acquired {input.acquired} --synthetic {input.synthetic}"
        " --mask {input.mask} --output {output} --participant {params.participant} --session {params.session}"
        " --experiment {wildcards.experiment} --fold {params.fold} --region {params.region}"
        " --metrics {params.metrics}"


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
