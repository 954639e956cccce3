"""Stage: from a frozen model and one session to its synthetic contrast."""
