"""The rooms of the zoo: one file for each kind of input."""
