"""What `embed search` is made of: examples, the search itself, and its answers as layer, page and heat map."""
