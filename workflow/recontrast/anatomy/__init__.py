"""From raw contrasts to bias-corrected, masked, registered images, tissue maps and the way to the template."""
