"""FSL: BET, FAST and FLIRT (Jenkinson 2012, NeuroImage 62:782) as programs on this machine."""
