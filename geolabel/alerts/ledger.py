"""Alerts over runs: each place counts once, each alert keeps its name, and what is not there any more is withdrawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.alerts import place, schema
from geolabel.alerts.changes import perimeter_m
from geolabel.alerts.history import Rows, told
from geolabel.alerts.identity import distinct
from geolabel.alerts.matching import match
from geolabel.alerts.overlap import groups, overlaps, polygonal, without

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.alerts.matching import Matches
    from geolabel.alerts.overlap import Overlaps
    from geolabel.vector import Layer

_SEEN = 0.5
"""Share of an alert's area that a run must have seen to say that nothing is there."""
_BETWEEN = "; "


def update(layer: Layer, previous: Layer, observed: NDArray[np.float64], dates: NDArray[np.datetime64]) -> Layer:
    """The alerts of a run, and those of the runs before, in the CRS of `layer`.

    `observed` (m,): share of each previous alert that the run saw clearly to be as if nothing had changed; `dates` are
    the days of its images. The law:
    alerts of one kind that are not withdrawn never overlap, and `new_ha`, added up over all runs, is their area.
    Raises CRSError where a previous alert has no place in the CRS of `layer`.
    """
    before = replace(
        previous,
        geometries=geodesy.project_geometries(previous.geometries, previous.crs, layer.crs),
        crs=layer.crs,
    )
    run = _compare(layer, before, observed, dates)
    matches = run.matches
    kept = np.flatnonzero(~run.absorbed)
    now = np.full(len(before.geometries), -1, dtype=np.int64)
    now[matches.same[matches.same >= 0]] = np.flatnonzero(matches.same >= 0)
    parts = np.flatnonzero(matches.part_of >= 0)
    others = np.flatnonzero((matches.same < 0) & (matches.part_of < 0) & (run.fresh_ha > 0))
    at_now = np.concatenate([now[kept], parts, others])
    at_before = np.concatenate([kept, matches.part_of[parts], np.full(len(others), -1)])
    eldest = np.append(run.eldest(), -1)[at_before]
    columns = told(layer, before, Rows(at_now, at_before, eldest), dates)

    old, new = slice(0, len(kept)), slice(len(kept), None)
    withdrawn = np.zeros(len(at_now), dtype=bool)
    withdrawn[old] = (run.lost | ~schema.stands(before))[kept]
    columns["status"] = schema.status(columns["n_obs"], at_before >= 0)
    columns["status"][withdrawn] = schema.WITHDRAWN
    columns["merged"][old], columns["merged"][new] = run.merged()[kept], ""
    columns["alert_id"][old] = before.columns["alert_id"][kept]
    columns["alert_id"][new] = distinct(layer.columns["alert_id"][at_now[new]].tolist(), run.taken())

    geometries, area_ha = _drawn(run, kept, now, np.concatenate([parts, others]))
    columns["area_ha"] = area_ha
    columns["new_ha"] = np.where(at_now >= 0, np.append(run.fresh_ha, 0.0)[at_now], 0.0)
    columns["new_ha"][old][run.lost[kept]] = -area_ha[old][run.lost[kept]]
    found = replace(layer, geometries=geometries, columns=columns)
    columns["perimeter_m"] = perimeter_m(found)
    # an id is one class, change, place and day: found again, it is no more withdrawn
    again = withdrawn & np.isin(columns["alert_id"].astype(str), columns["alert_id"][new].astype(str))
    return schema.settled(schema.rows(found, ~again))


@dataclass(frozen=True, slots=True)
class _Run:
    """n alerts of a run beside the m of those before."""

    layer: Layer
    before: Layer
    matches: Matches
    pairs: Overlaps
    """Of alerts now and those before that stand."""
    lost: NDArray[np.bool_]
    """(m,) looked for and not found."""
    fresh: NDArray[Any]
    """(n,) what of each alert no alert before holds."""
    fresh_ha: NDArray[np.float64]
    plane: str

    @property
    def absorbed(self) -> NDArray[np.bool_]:
        """Which alerts before (m,) go on as a part of another."""
        within = self.matches.within
        same = np.append(self.matches.same, -1)[within]
        return np.asarray((within >= 0) & (same != np.arange(len(within))), dtype=bool)

    def joins(self) -> list[tuple[int, NDArray[np.int64]]]:
        """Alerts before that others grew into, with those others."""
        others = np.flatnonzero(self.absorbed)
        hosts = self.matches.same[self.matches.within[others]]
        return [(host, others[rows]) for host, rows in groups(hosts)]

    def eldest(self) -> NDArray[np.int64]:
        """Of each alert before (m,), the one with the earliest date among it and those that grew into it."""
        first = self.before.columns["date_first"]
        found = np.arange(len(first))
        for host, others in self.joins():
            dated = np.append(host, others)
            dated = dated[~np.isnat(first[dated])]
            found[host] = dated[np.argmin(first[dated])] if len(dated) else host
        return found

    def merged(self) -> NDArray[Any]:
        """Names of alerts that each alert before (m,) took in, in this run and earlier."""
        names, found = self.before.columns["alert_id"], self.before.columns["merged"].copy()
        for host, others in self.joins():
            all_of_them = [found[host], *(name for other in others for name in (names[other], found[other]))]
            found[host] = _BETWEEN.join(filter(None, all_of_them))
        return found

    def taken(self) -> list[str]:
        """Names that no new alert may have."""
        earlier = [name for text in self.before.columns["merged"].tolist() if text for name in text.split(_BETWEEN)]
        return [*self.before.columns["alert_id"][schema.stands(self.before)].tolist(), *earlier]


def _compare(layer: Layer, before: Layer, observed: NDArray[np.float64], dates: NDArray[np.datetime64]) -> _Run:
    standing = schema.stands(before)
    plane = place.plane(np.concatenate([layer.geometries, before.geometries]), layer.crs)
    pairs = overlaps(layer.geometries, before.geometries, schema.kind(layer), schema.kind(before))
    pairs = pairs.of(standing[pairs.other])
    shared = place.hectares(pairs.pieces, layer.crs, plane)
    matches = match(pairs.one, pairs.other, shared, layer.columns["area_ha"], before.columns["area_ha"])
    latest = dates.max() if len(dates) else np.datetime64("NaT", "D")
    lost = standing & (matches.within < 0) & (observed >= _SEEN) & (latest > before.columns["date_last"])
    fresh = without(layer.geometries, before.geometries, pairs.of(~lost[pairs.other]))
    fresh_ha = place.hectares(fresh, layer.crs, plane)
    return _Run(layer, before, matches, pairs, lost, fresh, fresh_ha, plane)


def _drawn(
    run: _Run, kept: NDArray[np.int64], now: NDArray[np.int64], begun: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Geometries and hectares: alerts before that are `kept`, then those `begun` by this run.

    What is less than half a square metre is rounding: it leaves an outline as it was.
    """
    geometries, area_ha = run.before.geometries.copy(), run.before.columns["area_ha"].copy()
    redrawn = np.zeros(len(geometries), dtype=bool)
    for host, others in run.joins():
        geometries[host] = shapely.union_all(geometries[np.append(host, others)])
        area_ha[host] += area_ha[others].sum()
        redrawn[host] = True
    grown = np.flatnonzero((now >= 0) & (np.append(run.fresh_ha, 0.0)[now] > 0))
    geometries[grown] = shapely.union(geometries[grown], run.fresh[now[grown]])
    area_ha[grown] += run.fresh_ha[now[grown]]

    started, started_ha = run.fresh.copy(), run.fresh_ha.copy()
    broken = run.pairs.of(run.matches.part_of[run.pairs.one] == run.pairs.other)
    moved_ha = place.hectares(broken.pieces, run.layer.crs, run.plane)
    started[broken.one] = shapely.union(started[broken.one], broken.pieces)
    started_ha[broken.one] += moved_ha
    for host, rows in groups(broken.other):
        geometries[host] = shapely.difference(geometries[host], shapely.union_all(broken.pieces[rows]))
        area_ha[host] -= moved_ha[rows].sum()
    redrawn[grown] = redrawn[broken.other] = True

    drawn = np.concatenate([geometries[kept], started[begun]])
    anew = np.concatenate([redrawn[kept], np.ones(len(begun), dtype=bool)])
    drawn[anew] = polygonal(drawn[anew])
    return drawn, np.concatenate([area_ha[kept], started_ha[begun]]).round(place.HA_DECIMALS)
