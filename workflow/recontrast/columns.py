"""Columns that several tables have: their names and what a data dictionary says of them."""

# Of every long table of scores, whether of images or of lesions.
SCORES = ("participant_id", "session_id", "experiment", "fold", "region", "metric", "value")

EXPERIMENT = {"Description": "Experiment of the study: a method, its inputs and its target"}
N = {"Description": "Number of participants; the sessions of one participant are averaged first"}
MEAN = {"Description": "Mean over participants"}
SD = {"Description": "Standard deviation over participants (n - 1); n/a for one participant"}
MEDIAN = {"Description": "Median over participants"}
