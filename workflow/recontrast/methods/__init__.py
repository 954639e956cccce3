"""The published synthesis systems: one module and one recipe file each, found by name."""
