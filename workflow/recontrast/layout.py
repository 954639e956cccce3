"""Every file name of an output folder, once: used by the rules as patterns and by the package as paths.

A pattern holds Snakemake wildcards. `{folder}` and `{session}` are the two spellings of one session,
`sub-01/ses-1` and `sub-01_ses-1` (or `sub-01` twice where a participant has no sessions); `{entities}` is
what tells contrasts of one suffix apart (`_acq-se`, or nothing). `fill` turns a pattern into a path.
"""

from dataclasses import dataclass

# The study, frozen before the graph runs.
MANIFEST = "cohort/manifest.tsv"
SPLITS = "cohort/splits.tsv"
QUARANTINE = "cohort/quarantine.tsv"
BACKENDS = "cohort/backends.json"
PLAN = "cohort/plan.json"
GRAPH = "cohort/graph.json"
PREPARATION = "cohort/preparation.json"  # for model cards
PSEUDONYMS = "cohort/pseudonyms.txt"  # the key to participants in model cards
PACKED = "work/packed"  # sessions as arrays, which the trainings of one run share (rules/training.smk)
TRAINING_LIST = "cohort/lists/{experiment}_fold-{fold}.tsv"
SCORE_LIST = "cohort/lists/scores.tsv"
INFLUENCE_LIST = "cohort/lists/influence.tsv"
LESION_LIST = "cohort/lists/lesions_without-{heldout}.tsv"
LESION_SCORE_LIST = "cohort/lists/lesions.tsv"
DESCRIPTION = "dataset_description.json"
STUDY = "cohort/study.yaml"  # as it ran
SCAN = "cohort/scan.json"  # the index of the raw images, kept for the next look
LOCK = "cohort/lock.json"  # of the run that writes

# Raw images that are converted from DICOM: a BIDS data set of its own.
RAW_DATASET = "sourcedata/raw"
RAW = "sourcedata/raw/{folder}/{datatype}/{session}{entities}_{suffix}.nii.gz"
RAW_DWI = "sourcedata/raw/{folder}/dwi/{session}{entities}_dwi.{ending}"

TEMPLATE = "MNI152NLin2009aSym"  # the one in nilearn

# One session's images. What is on no reference grid yet lies under work/.
CORRECTED = "work/{folder}/anat/{session}{entities}_desc-biascorrected_{suffix}.nii.gz"
NATIVE_MASK = "work/{folder}/anat/{session}{entities}_{suffix}_mask.nii.gz"
PREPROC = "{folder}/anat/{session}{entities}_space-{reference}_desc-preproc_{suffix}.nii.gz"
MASK = "{folder}/anat/{session}_space-{reference}_desc-{region}_mask.nii.gz"
TISSUE = "{folder}/anat/{session}_space-{reference}_label-{tissue}_probseg.nii.gz"
SEGMENTATION = "{folder}/anat/{session}_space-{reference}_dseg.nii.gz"
TRANSFORM = "{folder}/anat/{session}_from-{contrast}_to-{reference}_mode-image_xfm.txt"
CORRECTED_DWI = "work/{folder}/dwi/{session}_desc-corrected_dwi.{ending}"
UNWEIGHTED = "work/{folder}/dwi/{session}_dwiref.nii.gz"
DWI_MASK = "work/{folder}/dwi/{session}_desc-brain_mask.nii.gz"
NATIVE_DWIMAP = "work/{folder}/dwi/{session}_model-DTI_param-{parameter}_dwimap.nii.gz"
DWI_TRANSFORM = "{folder}/dwi/{session}_from-dwi_to-{reference}_mode-image_xfm.txt"
DWIMAP = "{folder}/dwi/{session}_space-{reference}_model-DTI_param-{parameter}_dwimap.nii.gz"
NATIVE_RELAXATION = "work/{folder}/anat/{session}_{relaxation}map.nii.gz"
RELAXATION_TRANSFORM = "work/{folder}/anat/{session}_from-relaxometry_to-{reference}_mode-image_xfm.txt"
RELAXATION = "{folder}/anat/{session}_space-{reference}_{relaxation}map.nii.gz"
BLOCH = "{folder}/anat/{session}_space-{reference}_desc-bloch_{suffix}.nii.gz"
TEMPLATE_TRANSFORM = f"{{folder}}/anat/{{session}}_from-{{reference}}_to-{TEMPLATE}_mode-image_xfm.txt"
TEMPLATE_WARP = (
    f"{{folder}}/anat/{{session}}_from-{{reference}}_to-{TEMPLATE}_mode-image_desc-warp_xfm.nii.gz"
)
INVERSE_WARP = f"{{folder}}/anat/{{session}}_from-{TEMPLATE}_to-{{reference}}_mode-image_desc-warp_xfm.nii.gz"
SYNTHETIC = "{folder}/anat/{session}{entities}_space-{reference}_desc-{experiment}_{suffix}.nii.gz"

FILLED = "work/{folder}/anat/{session}{entities}_space-{reference}_desc-filled_{suffix}.nii.gz"
LESION_PROBABILITY = "{folder}/anat/{session}_space-{reference}_label-lesion_desc-{source}_probseg.nii.gz"
LESION_MASK = "{folder}/anat/{session}_space-{reference}_label-lesion_desc-{source}_mask.nii.gz"
LESION_TABLE = "{folder}/anat/{session}_space-{reference}_label-lesion_desc-{source}_lesions.tsv"
LESION_SCORES = "work/{folder}/anat/{session}_space-{reference}_found-{source}_truth-{truth}_lesions.tsv"
INFLUENCE_MAP = "{folder}/anat/{session}_space-{reference}_desc-{experiment}_{kind}map.nii.gz"
METRIC_MAP = "{folder}/anat/{session}_space-{reference}_desc-{experiment}_{measure}map.nii.gz"
INFLUENCE_TABLE = "work/{folder}/anat/{session}_space-{reference}_desc-{experiment}_{kind}map.tsv"

# One model.
MODEL = "models/{experiment}/fold-{fold}/model.safetensors"
MODEL_CARD = "models/{experiment}/fold-{fold}/model.json"
LOSSES = "models/{experiment}/fold-{fold}/training.tsv"

# Lesions, as far as they are learned from given masks.
LESION_COEFFICIENTS = "models/lesions/without-{heldout}/coefficients.json"
LESION_SPATIAL = "models/lesions/without-{heldout}/spatial.nii.gz"
LESION_NETWORK = "models/lesions/without-{heldout}/network.safetensors"
LESION_NETWORK_CARD = "models/lesions/without-{heldout}/network.json"
LESION_LOSSES = "models/lesions/without-{heldout}/training.tsv"
LESION_KAPPA = "models/lesions/without-{heldout}/kappa.json"

# Scores, tables and the report.
LESION_METRICS = "evaluation/lesions.tsv"
LESION_STATISTICS = "evaluation/lesion_statistics.tsv"
LESION_RANKS = "evaluation/lesion_ranks.tsv"
LESION_SUMMARY = "tables/lesions.tsv"
INFLUENCE = "tables/influence.tsv"
SCORES = "evaluation/sessions/{session}_desc-{experiment}_metrics.tsv"
METRICS = "evaluation/metrics.tsv"
TIME = "evaluation/times/{session}_desc-{experiment}_time.json"
PROFILE = "evaluation/profiles/{session}_line-{line}.tsv"
STATISTICS = "evaluation/statistics.tsv"
RANKS = "evaluation/ranks.tsv"
SUMMARY = "tables/summary.tsv"
TABLE = "tables/{table}.tsv"
TABLE_NOTES = "tables/{table}.json"
SESSION_PAGE = "report/sessions/{session}.html"
REPORT = "report/index.html"
FIGURES = "report/figures"
COHORT_PAGE = "report/cohort-{number}.html"
SESSION_ORDER = "report/sessions.js"
REPORT_TABLES = "report/tables"

MADE_TABLES = ("summary", "influence", "lesions")  # no names for a study's own tables

TISSUES = ("CSF", "GM", "WM")
TISSUE_LABELS = {"GM": 1, "WM": 2, "CSF": 3}  # of the BIDS derivatives specification, for dseg files
DWI_PARAMETERS = ("FA", "MD", "MO", "S0")
RELAXATIONS = ("R1", "R2", "PD")
ALL = "all"  # the fold that trains on everyone

REGIONS = ("brain", "foreground")  # those that are made here; a study's own masks come beside
# No names for experiments.
RESERVED = ("preproc", "filled", "manual", "lesions", "brain", "foreground", "acquired", "bloch")

WILDCARDS = {
    "folder": r"sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?",
    "session": r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?",
    "entities": r"(_(task|acq|ce|rec|dir|run|mod|echo|flip|inv|mt|part)-[A-Za-z0-9]+)*",
    "suffix": r"(?!(mask|dseg|probseg|(p3s|gradient|without|ssim|nrmse|hagiwaranrmse)map)\b)[A-Za-z0-9]+",
    "datatype": r"[a-z]+",
    "reference": rf"(?!{TEMPLATE})[A-Za-z0-9]+",  # a transform to the template is no registration
    "contrast": r"[A-Za-z0-9]+",
    "region": r"[A-Za-z0-9]+",
    "tissue": "|".join(TISSUES),
    "parameter": "|".join((*DWI_PARAMETERS, "eigenvalues", "eigenvectors")),
    "relaxation": "|".join(RELAXATIONS),
    # A synthetic image must not look like a prepared one.
    "experiment": rf"(?!({'|'.join(RESERVED)})_)[A-Za-z0-9]+",
    "kind": "p3s|gradient|without",
    "measure": "ssim|nrmse|hagiwaranrmse",
    "line": r"[A-Za-z0-9]+",
    "source": r"[A-Za-z0-9]+",
    "truth": "manual|acquired",
    "heldout": r"nobody|fold\d+|sub[A-Za-z0-9]+",
    "ending": r"nii\.gz|bval|bvec",
    "fold": r"\d+|all",
    "table": rf"(?!({'|'.join(MADE_TABLES)})\b)[A-Za-z0-9]+",
}


@dataclass(frozen=True, order=True)
class Session:
    """One visit of one participant; `session` is empty where the data set has no sessions."""

    participant: str
    session: str = ""

    @property
    def label(self) -> str:
        """`sub-01_ses-1`, as file names begin."""
        return f"sub-{self.participant}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> str:
        """`sub-01/ses-1`, where its files lie."""
        return self.label.replace("_", "/")

    @classmethod
    def from_label(cls, label: str) -> "Session":
        """The inverse of `label`."""
        participant, _, session = label.partition("_")
        return cls(participant.removeprefix("sub-"), session.removeprefix("ses-"))


def fill(pattern: str, session: Session | None = None, /, **wildcards: str) -> str:
    """A pattern with its wildcards filled in; a session fills `{folder}` and `{session}`."""
    if session is not None:
        wildcards |= {"folder": session.folder, "session": session.label}
    return pattern.format(**wildcards)


def partly(pattern: str, **wildcards: str) -> str:
    """A pattern with some of its wildcards filled in, the others left to Snakemake."""
    for name, value in wildcards.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern
