"""A piece of OpenStreetMap drawn by hand, written as OSM XML or PBF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MILLI = 0.001


class Map:
    """A map drawn by hand in thousandths of a degree east and north of 9°, 47°."""

    def __init__(self) -> None:
        self.nodes: list[tuple[float, float, Mapping[str, str]]] = []
        self.ways: list[tuple[list[int], Mapping[str, str]]] = []
        self.relations: list[tuple[list[tuple[int, str]], Mapping[str, str]]] = []

    def node(self, x: float, y: float, **tags: str) -> int:
        self.nodes.append((9 + x * MILLI, 47 + y * MILLI, tags))
        return len(self.nodes)

    def way(self, *places: tuple[float, float], **tags: str) -> int:
        """A line, closed where it ends where it begins."""
        number = {place: self.node(*place) for place in dict.fromkeys(places)}
        self.ways.append(([number[place] for place in places], tags))
        return len(self.ways)

    def box(self, west: float, south: float, east: float, north: float, **tags: str) -> int:
        return self.way((west, south), (east, south), (east, north), (west, north), (west, south), **tags)

    def relation(self, *members: tuple[int, str], **tags: str) -> int:
        self.relations.append((list(members), {"type": "multipolygon", **tags}))
        return len(self.relations)

    def write(self, path: Path, date: str = "2024-03-02T01:02:03Z") -> Path:
        if path.suffix == ".pbf":
            return self._write_pbf(path, date)

        def tags(values: Mapping[str, str]) -> str:
            return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in values.items())

        rows = ['<?xml version="1.0"?>\n<osm version="0.6">', f'<meta osm_base="{date}"/>']
        for number, (lon, lat, values) in enumerate(self.nodes, start=1):
            rows.append(f'<node id="{number}" lon="{lon:.7f}" lat="{lat:.7f}">{tags(values)}</node>')
        for number, (nodes, values) in enumerate(self.ways, start=1):
            inside = "".join(f'<nd ref="{node}"/>' for node in nodes)
            rows.append(f'<way id="{number}">{inside}{tags(values)}</way>')
        for number, (members, values) in enumerate(self.relations, start=1):
            inside = "".join(f'<member type="way" ref="{way}" role="{role}"/>' for way, role in members)
            rows.append(f'<relation id="{number}">{inside}{tags(values)}</relation>')
        path.write_text("\n".join([*rows, "</osm>\n"]))
        return path

    def _write_pbf(self, path: Path, date: str) -> Path:
        osmium = pytest.importorskip("osmium", reason="a PBF file is made with pyosmium")
        header = osmium.io.Header()
        header.set("osmosis_replication_timestamp", date)
        header.set("timestamp", date)
        with osmium.SimpleWriter(str(path), header=header) as writer:
            for number, (lon, lat, values) in enumerate(self.nodes, start=1):
                writer.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat), tags=dict(values)))
            for number, (nodes, values) in enumerate(self.ways, start=1):
                writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags=dict(values)))
            for number, (members, values) in enumerate(self.relations, start=1):
                named = [("w", way, role) for way, role in members]
                writer.add_relation(osmium.osm.mutable.Relation(id=number, members=named, tags=dict(values)))
        return path
