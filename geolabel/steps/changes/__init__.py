"""Changes at work: what the images say of a class, when it changed, and what is known of each place where it did."""
