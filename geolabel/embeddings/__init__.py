"""Embeddings on disk: a tile index with a vector in every row, and how it is read without being held in memory."""

from geolabel.embeddings.blocks import blocks
from geolabel.embeddings.header import EmbeddingsHeader, count_of, read_header
from geolabel.embeddings.places import place_of, rows_numbered, rows_touching
from geolabel.embeddings.rows import tiles_of, vectors_of
from geolabel.embeddings.writer import EmbeddingsWriter

__all__ = [
    "EmbeddingsHeader",
    "EmbeddingsWriter",
    "blocks",
    "count_of",
    "place_of",
    "read_header",
    "rows_numbered",
    "rows_touching",
    "tiles_of",
    "vectors_of",
]
