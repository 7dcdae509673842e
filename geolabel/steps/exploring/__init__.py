"""What `explore` is made of: tiles, one pass over their pixels, what is found in that, and the page."""
