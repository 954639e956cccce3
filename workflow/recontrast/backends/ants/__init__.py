"""ANTs (Avants 2011, NeuroImage 54:2033) as programs on this machine."""
