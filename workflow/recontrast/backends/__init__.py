"""The tools that do the work of the anatomy stage: one protocol, one folder for each backend."""
