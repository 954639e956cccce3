"""A network for lesions, learned from given masks as models are from images."""


rule train_network:
    """From given masks, a small 3D network learns what lesions look like, without those held out."""
    input:
        graph.lesion_training,
    output:
        model=layout.LESION_NETWORK,
        card=layout.LESION_NETWORK_CARD,
        losses=layout.LESION_LOSSES,
    log:
        "logs/lesions/train_network/lesions_without-{heldout}.log",
    wildcard_constraints:
        heldout=graph.held_out,
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=int(graph.study.training.device != "cpu"),
        mem_mb=growing(16000),
        runtime=growing(720),
    params:
        sessions=graph.lesion_list,
        images=graph.lesion_images,
        settings=graph.lesion_network,
        seed=graph.study.training.seed,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.lesion_network_code,
    shell:
        "recontrast step --log {log} lesions train_network --sessions {params.sessions} --images {params.images}"
        " --settings {params.settings:q} --model {output.model} --card {output.card} --losses {output.losses}"
        " --checkpoint work/training/lesions_without-{wildcards.heldout}"
        " --seed {params.seed} --threads {params.threads} --device {params.device}"


rule segment_lesions:
    """The network that never saw a person finds their lesions."""
    input:
        flair=graph.lesion_flair,
        others=graph.lesion_other_images,
        mask=graph.brain,
        model=graph.lesion_model,
    output:
        probability=layout.LESION_PROBABILITY,
        lesions=layout.LESION_MASK,
    log:
        "logs/lesions/segment_lesions/{folder}/{session}_space-{reference}_lesions-{source}.log",
    wildcard_constraints:
        source=graph.by("network"),
    conda:
        "../envs/embedded.yaml"
    threads: graph.study.training.threads
    resources:
        gpu=int(graph.study.training.device != "cpu"),
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        t1w=lambda w, input: options(t1w=input.others),
        threshold=graph.study.lesions.threshold,
        threads=graph.study.training.threads,
        device=graph.study.training.device,
        code=graph.code("lesions", "segment_lesions"),
    shell:
        "recontrast step --log {log} lesions segment_lesions --flair {input.flair} {params.t1w}"
        " --mask {input.mask} --model {input.model[0]} --card {input.model[1]}"
        " --probability {output.probability} --lesions {output.lesions} --threshold {params.threshold}"
        " --threads {params.threads} --device {params.device}"
