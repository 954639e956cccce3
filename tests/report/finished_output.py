"""A finished output folder, made up: small volumes, scores, losses and the plan of a study."""

import json
from itertools import cycle
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from recontrast import images, layout
from recontrast.evaluation.compare import compare
from recontrast.evaluation.summarize import summarize
from recontrast.models.recipes import resolve
from scipy.ndimage import gaussian_filter

EXPERIMENTS = {
    "voxels": ("patch_to_voxel", "quick"),
    "fcn": ("fcn3d", "paper"),
}


def make_output(
    participants: int, *, volumes: bool = True, experiments: dict[str, tuple[str, str]] = EXPERIMENTS
) -> dict:
    """Fill the working folder; every third participant lacks FLAIR, sub-02 has two sessions."""
    plan = {
        "study": {
            "tables": {},
            "report": {
                "title": "FLAIR of an ageing cohort",
                "sessions_per_page": 50,
                "curves": {"Both": ["voxels", "fcn"]},
                "figures": {},
            },
            "reference": "T1w",
            "contrasts": {"T1w": {"suffix": "T1w"}, "FLAIR": {"suffix": "FLAIR"}},
            "prepare": "full",
            "region": "brain",
            "evaluation": {
                "metrics": ["psnr", "ssim"],
                "regions": ["region"],
                "confidence": 0.95,
                "bootstrap": 10_000,
                "seed": 1,
            },
            "splits": {"scheme": "kfold", "folds": 2, "validation": 1, "seed": 1},
            "anatomy": {
                "shrink": 4,
                "dof": 6,
                "interpolation": "bspline",
                "intensity": "median",
                "tissues": True,
                "template": False,
            },
        },
        "sessions": [],
        "failed": [
            {
                "session": "sub-90",
                "step": "correct_bias",
                "item": "T1w",
                "reason": "sub-90_T1w.nii.gz: is constant",
            }
        ],
        "excluded": [{"session": "sub-91", "reason": "motion <severe> & ghosting"}],
        "experiments": {},
        "versions": {"recontrast": "0.1.0", "python": "3.11.9", "snakemake": "9.27.0", "torch": "2.9.0"}
        | {"scipy": "1.16.0", "scikit-image": "0.26.0", "nibabel": "5.4.2"},
        "backends": {
            f"anatomy {step}": {"backend": "embedded", "tools": tools}
            for step, tools in {
                "correct_bias": {"antspyx": "0.6.3"},
                "extract_brain": {"brainextractor": "0.2.2"},
                "register": {"antspyx": "0.6.3", "scipy": "1.16.0"},
                "segment_tissue": {"antspyx": "0.6.3"},
                "register_template": {"antspyx": "0.6.3"},
            }.items()
        },
    }
    plan["ran"] = {
        "converted": 0,
        "masks": {},
        "maps": [],
        "profiles": [],
        "influence": {},
        "lesions": 0,
        "lesions_learned": 0,
        "lesions_untaught": 0,
        "lesions_shipped": {"people": 2, "places": 29, "features": "extended", "kappa": 0.1},
        "lesions_given": "given masks",
        "lesion_pairs": [],
    }
    labels = [f"{number:02d}" for number in range(1, participants + 1)]
    for name, (method, recipe) in experiments.items():
        plan["experiments"][name] = {
            "method": method,
            "recipe": recipe,
            "settings": resolve(method, recipe),
            "inputs": ["T1w"],
            "target": "FLAIR",
            "code": "c0de",
            "folds": {
                fold: {"training": [f"sub-{label}" for label in labels[1 - half :: 2]], "validation": []}
                for half, fold in enumerate(("1", "2"))
            }
            | {"all": {"training": [f"sub-{label}" for label in labels], "validation": []}},
        }
        for fold in ("1", "2", "all"):
            losses(name, fold)
    scores = []
    for number, label in enumerate(labels):
        for visit in ("1", "2") if label == "02" else ("",):
            session = layout.Session(label, visit)
            acquired = number % 3 != 2
            fold = str(number % 2 + 1) if acquired else "all"
            entry = {
                "session": session.label,
                "participant_id": f"sub-{label}",
                "session_id": f"ses-{visit}" if visit else "n/a",
                "dataset": "aging",
                "reference": "T1w",
                "contrasts": ["T1w", "FLAIR"] if acquired else ["T1w"],
                "fold": fold,
                "experiments": {
                    name: {"model": name, "fold": fold, "inputs": ["T1w"], "acquired": acquired}
                    for name in experiments
                },
                "notes": [],
            }
            plan["sessions"].append(entry)
            if volumes:
                draw_session(session, acquired, experiments)
            if acquired:
                scores += session_scores(session, fold, number, experiments)
    metrics = pd.DataFrame(
        scores, columns=["participant_id", "session_id", "experiment", "fold", "region", "metric", "value"]
    )
    images.write_text(layout.METRICS, metrics.to_csv(sep="\t", index=False))
    summarize(metrics=Path(layout.METRICS), table=Path(layout.SUMMARY))
    compare(
        metrics=Path(layout.METRICS),
        table=Path(layout.STATISTICS),
        ranks=Path(layout.RANKS),
        experiments=list(experiments),
        targets=["FLAIR"] * len(experiments),
        bootstrap=100,
    )
    images.write_text(layout.PLAN, json.dumps(plan))
    return plan


def losses(experiment: str, fold: str) -> None:
    random = np.random.default_rng(len(experiment) + len(fold))
    epoch = np.arange(1, 31)
    training = 0.02 + 0.3 * np.exp(-epoch / 6) + random.normal(size=30) * 0.004
    table = pd.DataFrame({"epoch": epoch, "training": training, "validation": training * 1.15 + 0.01})
    if experiment == "fcn":  # as if it were adversarial
        table = table.rename(columns={"training": "generator"})
        table.insert(1, "discriminator", np.where(epoch > 10, 1.4 - training, np.nan))
    if fold == "all":
        table["validation"] = np.nan
    path = layout.fill(layout.LOSSES, experiment=experiment, fold=fold)
    images.write_text(path, table.to_csv(sep="\t", index=False, na_rep="n/a"))


def session_scores(session: layout.Session, fold: str, number: int, experiments: dict) -> list[tuple]:
    random = np.random.default_rng(number)
    rows = []
    for gain, name in enumerate(experiments):
        values = {"psnr": 24 + 2 * gain + random.normal(), "ssim": 0.8 + 0.05 * gain + random.normal() * 0.02}
        values |= {"mse": 10 ** (-values["psnr"] / 10), "mae": 0.05 - 0.01 * gain}
        visit = f"ses-{session.session}" if session.session else "n/a"
        who = (f"sub-{session.participant}", visit, name, fold, "brain")
        own = [(*who, metric, value) for metric, value in values.items()]
        columns = ["participant_id", "session_id", "experiment", "fold", "region", "metric", "value"]
        path = layout.fill(layout.SCORES, session, experiment=name)
        images.write_text(path, pd.DataFrame(own, columns=columns).to_csv(sep="\t", index=False))
        rows += own
    return rows


def draw_session(session: layout.Session, acquired: bool, experiments: dict) -> None:
    """A head of shells with ventricles and lesions, left-posterior-inferior axes, 3 x 3 x 4 mm."""
    shape = np.array((64, 76, 44))
    random = np.random.default_rng(int(session.participant))
    grid = (np.indices(shape).T - shape / 2 + 0.5).T * np.array([3, 3, 4])[:, None, None, None]
    x, y, z = grid
    bumps = gaussian_filter(random.normal(size=shape), 2.5) * 12
    radius = np.sqrt((x / 66) ** 2 + (y / 84) ** 2 + (z / 62) ** 2) + bumps * 0.06
    ventricle = np.hypot(np.abs(x) - 10 - np.abs(y) / 8, z / 1.6 - 4) < 7 + 4 * np.cos(y / 22)
    ventricle &= np.abs(y) < 38
    white = (radius + bumps * 0.22 < 0.78) & ~ventricle
    brain = radius < 1
    lesion = (gaussian_filter(random.normal(size=shape), 1.3) > 0.13) & white & (np.abs(x) < 34)
    tissue = np.where(brain, 2, 0)
    tissue[brain & (radius + bumps * 0.1 > 0.95)] = 1
    tissue[ventricle & brain] = 1
    tissue[white & brain] = 3
    scalp = (radius > 1.12) & (radius < 1.25)
    t1 = np.choose(tissue, (30, 350, 800, 1150)).astype(float)
    flair = np.choose(tissue, (30, 150, 1150, 900)).astype(float)
    flair[lesion] = 1500
    flair[scalp], t1[scalp] = 800, 1500
    noise = lambda: random.normal(size=shape) * 35  # noqa: E731
    t1, flair = (gaussian_filter(image, 0.4) + noise() for image in (t1, flair))
    like = nib.Nifti1Image(t1, np.diag([-3, -3, 4, 1.0]))
    put(
        session,
        layout.PREPROC,
        t1,
        like,
        {"Sources": ["raw/T1w.nii.gz"], "IntensityScale": 1.25},
        suffix="T1w",
    )
    put(session, layout.MASK, brain.astype(np.uint8), like, None, region="brain")
    bids_order = np.choose(tissue, (0, 3, 1, 2))  # 1 GM, 2 WM, 3 CSF
    put(session, layout.SEGMENTATION, bids_order.astype(np.uint8), like, None)
    if acquired:
        put(session, layout.PREPROC, flair, like, {"Sources": ["raw/FLAIR.nii.gz"]}, suffix="FLAIR")
    lesion &= brain
    found = {"manual": lesion} | ({"acquired": np.roll(lesion, 1, axis=1)} if acquired else {})
    found |= {name: np.roll(lesion, -1, axis=1) for name in experiments}
    for source, place in found.items():
        put(session, layout.LESION_MASK, place.astype(np.uint8), like, None, source=source)
    for name, blur in zip(experiments, cycle((1.2, 0.7)), strict=False):
        made = (gaussian_filter(np.where(lesion, 0.5 * flair + 500, flair), blur) + 20) * brain
        facts = {"Synthetic": True, "Method": name, "Sources": ["T1w"], "Fold": "1"}
        put(session, layout.SYNTHETIC, made, like, facts, suffix="FLAIR", experiment=name)


def put(session, pattern, data, like, facts, **wildcards) -> None:
    path = layout.fill(pattern, session, reference="T1w", **{"entities": "", **wildcards})
    images.write(path, data, like, facts=facts)
