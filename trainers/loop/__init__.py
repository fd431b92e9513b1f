"""The training loop that all recipes share, its state and its checkpoints."""
