"""Pages that show what was made, how, and how well."""
