"""From diffusion-weighted series to tensor maps on the reference grid."""
