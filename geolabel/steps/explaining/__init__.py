"""What `explain` is made of: which tiles, their relevance and its check, layers, pictures and the page."""
