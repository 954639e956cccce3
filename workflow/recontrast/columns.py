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
SD = {"Description": "Standard deviation over participants (n - 1); n/a for one participant"}
MEDIAN = {"Description": "Median over participants"}

PARTICIPANT = {"Description": "Participant, such as sub-01"}
SESSION = {"Description": "Session, such as ses-1; n/a where the data set has no sessions"}
FOLD = {
    "Description": "Which fold's model made the image: it was trained without the participants of that fold, or on "
    "everyone if `all`; n/a where no model did"
}
REGION = {"Description": "Part of the image"}
METRIC = {"Description": "What was measured"}
VALUE = {"Description": "Value of the metric; n/a where it is not defined"}

EPOCH = {"Description": "Round of training, from 1 on; a round of iterations where a method counts these"}
TRAINING_LOSS = {
    "Description": "Mean loss over the training data of the epoch, on the scale of normalised images"
}
VALIDATION_LOSS = {
    "Description": "Loss on the participants set aside for validation; n/a where there are none"
}

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
