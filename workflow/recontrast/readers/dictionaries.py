"""What the columns of a reader study's tables are: table by table, in their order."""

from ..evaluation.compare import STATISTICS

_CATEGORY = {"Description": "What was rated; `all categories` combines them if they all share one scale"}
_EXPERIMENT = {"Description": "Experiment that made the image"}
_OTHER = {"Description": "Experiment with which it is compared"}
_READER = {"Description": "Reader, by the name entered on the pages"}
_SESSION = {"Description": "Session of the image"}

KEY = {
    "code": {"Description": "Code of an image on the pages"},
    "session": _SESSION,
    "experiment": _EXPERIMENT,
}
RATINGS = {
    "reader": _READER,
    "session": _SESSION,
    "experiment": _EXPERIMENT,
    "category": {"Description": "What was rated"},
    "score": {"Description": "Answer on the scale defined by the form for the category"},
}
SCORES = {
    "category": _CATEGORY,
    "experiment": _EXPERIMENT,
    "n": {"Description": "Number of ratings: images × readers, and × categories if these are combined"},
    "mean": {"Description": "Mean over sessions and readers"},
    "sd": {"Description": "Standard deviation over sessions and readers (n - 1); n/a for one rating"},
}
TESTS = {
    "category": _CATEGORY,
    "experiment": _EXPERIMENT,
    "other": _OTHER,
    "n": {
        "Description": "Number of participants with ratings of both, after averaging over their sessions and readers"
    },
    "difference": {
        "Description": "Mean difference over participants: score of experiment minus score of other"
    },
    "low": STATISTICS["low"],
    "high": STATISTICS["high"],
    "p": {"Description": "Exact Wilcoxon signed-rank test over participants, two-sided, uncorrected"},
    "p_holm": {
        "Description": "p after Holm's correction; the family is all pairs of experiments in a category"
    },
    "smallest_p": STATISTICS["smallest_p"],
    "rank_biserial": {
        "Description": "Matched-pairs rank-biserial correlation; positive if experiment has higher scores"
    },
    "cohens_dz": STATISTICS["cohens_dz"],
}
AGREEMENT = {
    "category": _CATEGORY,
    "experiment": _EXPERIMENT,
    "readers": {"Description": "Number of readers who rated any of its images"},
    "n": {
        "Description": "Number of items rated by all of these readers, on which the ICC is based: images, × categories "
        "if these are combined"
    },
    "icc": {
        "Description": "ICC(2,1): two-way random effects, absolute agreement, single reader (Shrout and Fleiss 1979); "
        "n/a for fewer than two readers or items, or if all ratings are equal"
    },
    "low": {"Description": "Lower end of its 95 % confidence interval"},
    "high": {"Description": "Upper end"},
    "band": {"Description": "Poor below .40, fair, good from .60, excellent from .75 (Cicchetti 1994)"},
}
PAIRS = {
    "question": {"Description": "Question about two images of a session, by its name in the form"},
    "experiment": {"Description": "The first experiment"},
    "other": {"Description": "The second experiment"},
    "first": {
        "Description": "Participants for whom more answers named the image of experiment than that of other"
    },
    "second": {"Description": "Participants for whom more answers named the image of other"},
    "neither": {
        "Description": "Participants for whom as many answers named one as the other, or none either"
    },
    "answers_first": {
        "Description": "Answers, over all readers and sessions, that named the image of experiment"
    },
    "answers_second": {"Description": "Answers that named the image of other"},
    "answers_neither": {"Description": "Answers that named neither"},
    "p": {
        "Description": "Exact sign test over participants, two-sided, uncorrected, excluding those counted as "
        "neither; n/a if no others remain"
    },
}
