"""What is made of shares, and recorded in the index: dominant class, presence, distance, weak negatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geolabel.errors import OptionError
from geolabel.labels.scheme import Scheme
from geolabel.labels.targets import distance_m, dominant, present
from geolabel.progress import log
from geolabel.tiling.index import LABEL_PREFIX, dictionary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked for."""

    dominant: float | None
    """Least share of the class that stands for a tile."""
    presence: Mapping[str, float] | float | None
    """Share from which a class counts as present, for all or by class; what the scheme says goes for the others."""
    weak_negatives_m: float | None
    """Unknown tiles farther than this from every tile with the class count as without it."""

    def __post_init__(self) -> None:
        cuts = self.presence.values() if isinstance(self.presence, Mapping) else [self.presence]
        for name, value in (("--dominant", self.dominant), *(("--presence", cut) for cut in cuts)):
            if value is not None and not 0 < value <= 1:
                raise OptionError(f"{name} must lie above 0 and up to 1, got {value:g}")
        if self.weak_negatives_m is not None and not self.weak_negatives_m > 0:
            raise OptionError(f"--weak-negatives must be more than 0 m, got {self.weak_negatives_m:g}")

    def check(self, scheme: Scheme | None, *, apart: bool) -> None:
        """Refuse a class that is none before anything is measured, where the classes are known. Raises OptionError."""
        if scheme is not None and not apart:
            self.cuts(scheme)

    def cuts(self, scheme: Scheme) -> dict[str, float]:
        """Presence cut by class; classes without one are left out. Raises OptionError for a class that is none."""
        own = {found.name: found.presence for found in scheme.classes if found.presence is not None}
        if not isinstance(self.presence, Mapping):
            return own if self.presence is None else dict.fromkeys(scheme.names, self.presence)
        strange = sorted(set(self.presence) - set(scheme.names))
        if strange:
            raise OptionError(f"--presence: no class {strange[0]!r}; there are {', '.join(scheme.names)}")
        return {**own, **self.presence}


def with_targets(
    index: TileIndex, targets: Targets, traces: Mapping[str, NDArray[np.int64]] | None = None
) -> TileIndex:
    """The index with the columns asked for. Raises OptionError.

    `traces`: by class, rows that have some of it, although too little of them is known for a share.
    """
    scheme = Scheme.from_json(index.scheme)
    columns: dict[str, pa.Array] = {}
    notes: dict[str, Any] = {}
    if targets.weak_negatives_m is not None:
        columns |= _weak_negatives(index, targets.weak_negatives_m, traces or {})
        notes["weak_negatives_m"] = targets.weak_negatives_m
        index = index.with_columns({name: values for name, values in columns.items() if name.startswith(LABEL_PREFIX)})
    cuts = {name: cut for name, cut in targets.cuts(scheme).items() if name in index.class_names}
    if cuts:
        notes["presence"] = cuts
        columns |= {
            f"present.{name}": pa.array(present(index.share(name), cut), pa.float32()) for name, cut in cuts.items()
        }
    if targets.dominant is not None:
        notes["dominant"] = targets.dominant
        names = np.array([*index.class_names, None], dtype=object)
        columns["dominant"] = dictionary(names[dominant(index.shares.T, targets.dominant)])
    if not columns:
        return index
    made = [name for name in columns if not name.startswith(LABEL_PREFIX)]
    labelling = {**index.labelling, **notes, "columns": [*index.labelling.get("columns", ()), *made]}
    return index.with_columns(columns, labelling=labelling)


def _weak_negatives(index: TileIndex, beyond_m: float, traces: Mapping[str, NDArray[np.int64]]) -> dict[str, pa.Array]:
    """Distances, labels with the weak negatives in them, and which they are."""
    if not index.has_place().any():
        raise OptionError("--weak-negatives needs tiles with a place on the map; these are pictures")
    centres = index.centres_m()
    columns: dict[str, pa.Array] = {}
    for name in index.class_names:
        share = index.share(name)
        positive = np.nan_to_num(share) > 0
        positive[traces.get(name, np.empty(0, np.int64))] = True
        metres = distance_m(positive, centres)
        if not np.isfinite(metres).any():
            log.warning("no tile has any %s: there is nothing to be far from, and no weak negatives of it", name)
            continue
        weak = np.isnan(share) & (metres > beyond_m)
        columns[f"distance.{name}"] = pa.array(metres, pa.float32())
        columns[f"weak.{name}"] = pa.array(weak)
        columns[LABEL_PREFIX + name] = pa.array(np.where(weak, np.float32(0), share), pa.float32())
    return columns
