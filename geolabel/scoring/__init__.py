"""Scores: numpy in, numbers out."""
