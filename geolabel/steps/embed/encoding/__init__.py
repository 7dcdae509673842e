"""What `embed encode` is made of: a region or an index at work, what is written, and a picture of it."""
