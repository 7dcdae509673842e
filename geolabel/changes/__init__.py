"""Two dates and more of one place: what stands between them, and what changed."""
