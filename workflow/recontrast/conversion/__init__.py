"""Conversion: folders as they come off a scanner become BIDS images under pseudonyms."""
