"""Scores of synthetic images against acquired ones."""
