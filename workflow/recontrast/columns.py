"""Columns that several tables have: their names and what a data dictionary says of them."""

# Participants by how much lesion they have: names, and the volumes in ml at which the next one begins.
LOADS, LOAD_LIMITS = ("none", "small", "medium", "large"), (5.0, 15.0)
LOAD_LEVELS = {
    "none": "no lesion",
    "small": "under {:g} ml".format(*LOAD_LIMITS),
    "medium": "{:g} to {:g} ml".format(*LOAD_LIMITS),
    "large": "{1:g} ml or more".format(*LOAD_LIMITS),
}

EXPERIMENT = {"Description": "Experiment of the study: a method, its inputs and its target"}
N = {"Description": "Number of participants; the sessions of one participant are averaged first"}
MEAN = {"Description": "Mean over participants"}
SD = {"Description": "Standard deviation over participants (n - 1); n/a for a single participant"}
MEDIAN = {"Description": "Median over participants"}

PARTICIPANT = {"Description": "Participant, such as sub-01"}
SESSION = {"Description": "Session, such as ses-1; n/a where the data set has no sessions"}
FOLD = {
    "Description": "Fold of the model that made the image, which was trained without the participants of that fold, "
    "or on all participants if `all`; n/a for images not made by a model"
}
REGION = {"Description": "Part of the image"}
METRIC = {"Description": "What was measured"}
VALUE = {"Description": "Value of the metric; n/a where it is not defined"}

EPOCH = {"Description": "Training epoch, from 1; a block of iterations for methods that count these"}
TRAINING_LOSS = {
    "Description": "Mean loss over the training data in this epoch, on the scale of the normalised images"
}
VALIDATION_LOSS = {"Description": "Loss in the validation participants; n/a if there are none"}

# Of every long table of scores, whether of images or of lesions.
SCORES = {
    "participant_id": PARTICIPANT,
    "session_id": SESSION,
    "experiment": EXPERIMENT,
    "fold": FOLD,
    "region": REGION,
    "metric": METRIC,
    "value": VALUE,
}
