"""What `embed train` is made of: where tiles and places come from, with labels or without, and what is kept of it."""
