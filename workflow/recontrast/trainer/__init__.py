"""What torch methods share: the training loop, checkpoints, early stopping, patches, slabs."""
