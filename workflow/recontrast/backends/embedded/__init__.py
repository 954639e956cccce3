"""The backend that needs nothing but pip: ANTs through antspyx, BET's algorithm, scipy."""
