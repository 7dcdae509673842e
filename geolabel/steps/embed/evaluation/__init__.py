"""What `embed evaluate` is made of: tiles and draws of them, encoders and baselines, scores, and words about them."""
