"""From raw contrasts to corrected, masked, registered images, tissue maps and the way to the template."""
