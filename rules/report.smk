"""Report: what a person looks at."""


rule session_page:
    """The images of one session, acquired beside synthetic beside their difference."""
    input:
        images=graph.prepared,
        mask=graph.mask,
        tissue=graph.tissue,
        fibres=graph.fibres,
        synthetic=graph.synthetics,
        scores=graph.session_scores,
        maps=graph.shown_files,
        lesions=graph.lesion_files,
        lesion_scores=graph.lesion_scores,
        lesion_tables=graph.lesion_descriptions,
        profiles=graph.profiles_shown,
    output:
        layout.SESSION_PAGE,
    log:
        "logs/report/session_page/{session}.log",
    conda:
        "../envs/embedded.yaml"
    params:
        contrasts=graph.contrasts,
        viewers="--viewers" if graph.study.report.viewer else "",
        windows="--by-slice" if graph.study.evaluation.by_slice else "",
        lesion_contrast=graph.study.lesions.flair,
        predicted=lambda w, input: options(
            tissue=input.tissue,
            anisotropy=input.fibres[:1],
            directions=input.fibres[1:],
            experiments=graph.experiments(w),
            targets=graph.experiment_targets(w),
            synthetic=input.synthetic,
            scores=input.scores,
            notes=graph.notes(w),
            maps=input.maps,
            map_experiments=[experiment for experiment, *_ in graph.maps_shown(w)],
            map_kinds=[kind for _, kind, _ in graph.maps_shown(w)],
            lesions=input.lesions,
            lesion_sources=list(graph.lesions_shown(w)),
            lesion_scores=input.lesion_scores,
            lesion_tables=input.lesion_tables,
            profiles=input.profiles,
        ),
        code=graph.code("report", "session_page"),
    shell:
        "recontrast step --log {log} report session_page --session {wildcards.session} --page {output}"
        " --contrasts {params.contrasts} --images {input.images} --mask {input.mask} {params.predicted}"
        " {params.viewers} {params.windows} --lesion-contrast {params.lesion_contrast}"


rule index:
    """The front page: results, losses, who was done how, methods and references."""
    input:
        metrics=layout.METRICS,
        summary=layout.SUMMARY,
        ranks=layout.RANKS,
        statistics=layout.STATISTICS,
        losses=graph.losses,
        lesions=graph.lesion_tables,
        own=graph.own_tables,
        notes=graph.own_notes,
        pages=graph.pages,
    output:
        page=report(
            layout.REPORT,
            caption="captions/report.rst",
            category="Report",
            labels={"page": "first page"},
        ),
        figures=report(
            directory(layout.FIGURES),
            patterns=["{figure}.svg"],
            caption="captions/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        cohort=graph.cohort_pages(),
        order=layout.SESSION_ORDER,
        tables=directory(layout.REPORT_TABLES),
    log:
        "logs/report/index.log",
    conda:
        "../envs/embedded.yaml"
    params:
        plan=layout.PLAN,
        content=digest(graph),
        per_page=graph.study.report.sessions_per_page,
        further=lambda w, input: options(lesions=input.lesions, own=input.own),
        code=graph.code("report", "index"),
    shell:
        "recontrast step --log {log} report index --plan {params.plan} --metrics {input.metrics}"
        " --summary {input.summary} --ranks {input.ranks} --statistics {input.statistics} --page {output.page}"
        " --per-page {params.per_page} {params.further}"
