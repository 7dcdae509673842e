"""Names for the array types that the rooms of the world hand to each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
"""A field over the scene, (rows, cols), or values at chosen pixels, (n,)."""
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]
"""Class codes; 0 is "none"."""
Ids = npt.NDArray[np.int32]
"""Object numbers; 0 is "none"."""
Points = npt.NDArray[np.float64]
"""A path as (n, 2) points x, y in pixels; pixel (row, col) spans col..col+1, row..row+1."""
