"""What holds for lesions where neither the study nor given masks say anything else. Loads nothing."""

KAPPA = 0.1  # the initial threshold of growth; see docs/lesions.md
FEATURES = "extended"  # the set of the coefficients of prediction that ship
