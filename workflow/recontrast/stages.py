"""The stages of the graph: their steps, what these run, and what else shapes their results."""

# The steps of each stage, in the order in which data walks; of those that run a backend, the operation there.
STEPS = {
    "conversion": {"convert": None, "convert_diffusion": None},
    "anatomy": {
        "correct_bias": "correct_bias",
        "extract_brain": "extract_brain",
        "register": "register",
        "carry_mask": "apply_transform",
        "mask_foreground": None,
        "resample_mask": "apply_transform",
        "resample": "apply_transform",
        "segment_tissue": "segment_tissue",
        "register_template": "register_template",
        "warp_template": "warp_template",
    },
    "diffusion": {
        "correct_motion": "correct_motion",
        "fit_tensor": "fit_tensor",
        "resample_maps": "apply_transform",
    },
    "relaxometry": {"fit_relaxation": None, "synthesize_contrast": None},
    "training": {"train": None, "choose": None},
    "synthesis": {"synthesize": None, "explain": None, "summarize_influence": None, "time_prediction": None},
    "lesions": {
        "fit_lesions": None,
        "choose_kappa": None,
        "train_network": None,
        "predict_lesions": None,
        "grow_lesions": None,
        "segment_lesions": None,
        "run_external": None,
        "describe_lesions": None,
        "compare_lesions": None,
        "summarize_lesions": None,
        "fill_lesions": None,
    },
    "evaluation": {
        "score": None,
        "map_metric": None,
        "trace_profile": None,
        "collect": None,
        "summarize": None,
        "compare": None,
        "table": None,
    },
    "report": {"session_page": None, "index": None},
}

# Rules that run a step on what another stage made, by the step that they follow.
FURTHER_RULES = {
    "correct_motion": ("extract_dwi_brain",),
    "fit_tensor": ("register_dwi",),
    "compare": ("compare_lesion_scores",),
    "fit_relaxation": ("register_relaxation", "resample_relaxation"),
}

# Files that shape a step's results as its code does.
_SHARED = ("report/templates/base.html", "report/templates/style.css")
TEMPLATES = {
    "predict_lesions": ("lesions/default_lpa.json", "lesions/default_lpa.nii.gz"),
    "session_page": (
        *_SHARED,
        *(f"report/templates/{name}" for name in ("session.html", "flicker.js", "viewer.html", "viewer.js")),
    ),
    "index": (
        *_SHARED,
        "report/templates/index.html",
        "report/templates/cohort.html",
        "report/methods_text.yaml",
    ),
}


def rules_of(stage: str) -> list[str]:
    """The rules of a stage, in the order in which data walks."""
    return [rule for step in STEPS[stage] for rule in (step, *FURTHER_RULES.get(step, ()))]
