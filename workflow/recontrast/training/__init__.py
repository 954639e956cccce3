"""Stage: from registered contrasts of the training sessions to one frozen model."""
