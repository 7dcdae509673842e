"""How large the classes of a map really are: a random sample to look at, and what follows from the answers."""
