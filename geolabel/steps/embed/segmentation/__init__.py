"""What `embed segment` is made of: labels and a sample of pixels, probes and their scores, the map and its files."""
