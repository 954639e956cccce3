"""The columns of every table of scores, apart from the code that makes scores: joining them does not depend on it."""

COLUMNS = ("participant_id", "session_id", "experiment", "fold", "region", "metric", "value")
