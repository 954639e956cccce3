"""Recontrast: from a cohort to a report. The rooms lie in rules/, one for each stage."""

from snakemake.utils import min_version

from recontrast import layout
from recontrast.freeze import digest
from recontrast.options import options
from recontrast.resources import growing, trainings_at_once
from recontrast.run import begin, end, join_graph, open_graph, open_study

min_version("9.27")

if "datasets" not in config:

    configfile: workflow.source_path("config.yaml")


# A job that is a Snakemake of its own, as on a cluster, takes up what the main process has planned.
if workflow.is_main_process:
    graph = open_graph(open_study(config))
else:
    graph = join_graph(config["output"])


workdir: graph.study.output


# On a cluster every job has its own GPU; what runs on this machine shares one only if the study says so.
resource_scopes:
    gpu="local",


if at_once := trainings_at_once(graph.study.training):
    workflow.register_resource("gpu", at_once)


wildcard_constraints:
    **layout.WILDCARDS,


onstart:
    begin(graph, workflow)


onsuccess:
    end(graph)


onerror:
    end(graph)


localrules:
    group,
    participant,


rule group:
    """Everything that the study asks for, to the report."""
    input:
        graph.group_targets(),


rule participant:
    """Every session prepared, and every model applied that there is."""
    input:
        graph.participant_targets(),


include: "rules/conversion.smk"
include: "rules/anatomy.smk"
include: "rules/anatomy_template.smk"


if "diffusion" in graph.stages:

    include: "rules/diffusion.smk"


if "relaxometry" in graph.stages:

    include: "rules/relaxometry.smk"


include: "rules/training.smk"
include: "rules/synthesis.smk"


if "lesions" in graph.stages:

    include: "rules/lesions.smk"
    include: "rules/lesions_network.smk"
    include: "rules/lesions_judged.smk"


include: "rules/evaluation.smk"
include: "rules/report.smk"
