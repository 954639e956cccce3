"""Who takes part: the images of BIDS folders, their checks, the splits, and the record of failures."""
