"""What every method works with: recipes, volumes, intensity scales, and the frozen model that it leaves."""
