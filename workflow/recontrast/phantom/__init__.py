"""The demo cohort: digital heads with known truth."""
