"""Reader studies: blinded rating of synthetic images by people, and the tables that come of it."""
