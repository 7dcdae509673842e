"""Dense windows: a network's trunk runs once over a region, and overlapping tiles are averaged from its map.

For convolutional networks that end in a global mean: the cost does not grow with the overlap.
"""

from geolabel.learn.dense.agreement import Agreement
from geolabel.learn.dense.fit import eligible, make_dense, ready
from geolabel.learn.dense.strip import Dense

__all__ = ["Agreement", "Dense", "eligible", "make_dense", "ready"]
