"""Embeddings on disk: a tile index with a vector in every row, and how it is read without being held in memory."""
