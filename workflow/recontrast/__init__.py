"""Recontrast fills in the MR contrast that was not acquired."""

__version__ = "0.1.0"
