"""Metric learning: batches of places that belong together or apart, what is mined from them, and losses on distances."""
