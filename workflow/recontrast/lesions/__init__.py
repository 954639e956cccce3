"""Lesions: found on FLAIR, described, compared with other masks, and filled."""
