"""The parts of `verify`: what an output says of itself, and what is there now."""
