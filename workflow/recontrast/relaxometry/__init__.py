"""Relaxation rates from multi-delay multi-echo images, and any contrast that follows from them."""
