"""Where torch lives: chips, networks, losses, the training loop."""
