"""Metric learning: batches of places that belong together or apart, what is mined of them, losses on distances."""
