"""Folders of the zoo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TILE = ("tile", "region.tif", "--size", 16, "-o")


def _region(words: Sequence[object], arrange: Callable[[Den], object] = lambda den: None) -> Callable[[Den], Any]:
    """A copy of the good region, something more, and a command."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        arrange(den)
        return words

    return bring


def _fill(den: Den) -> None:
    disk = os.statvfs(den.folder / "disk")
    (den.folder / "disk" / "full").write_bytes(bytes(disk.f_bavail * disk.f_frsize - 4096))


def _on_disk(words: Callable[[Den], Sequence[object]]) -> Callable[[Den], Any]:
    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        _fill(den)
        return words(den)

    return bring


def _gone(den: Den) -> Sequence[object]:
    """The working directory is deleted by somebody else."""
    region = den.take("region.tif")
    (den.folder / "here").mkdir()
    os.chdir(den.folder / "here")
    (den.folder / "here").rmdir()
    return ("tile", region, "-o", "tiles.parquet")


def _on_read(den: Den, act: Callable[[Path], object]) -> None:
    """Do something to the region when its pixels are first read."""
    from geolabel.raster.read import Reader

    own, done = Reader.read, []

    def read(self: Reader, window: Any) -> Any:
        if not done:
            done.append(act(den.folder / "region.tif"))
        return own(self, window)

    den.patch(Reader, "read", read)


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _while_read(act: Callable[[Path], object]) -> Callable[[Den], Any]:
    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        _on_read(den, act)
        return ("predict", "region.tif", "--model", den.good / "run" / "model.safetensors", "-o", "out.geolabel")

    return bring


def _gone_in_between(den: Den) -> Sequence[object]:
    """The raster is gone when its tiles are to be learned from."""
    den.take("tiles.parquet")
    return ("train", "tiles.parquet", "--epochs", 1, "-o", "run")


def _link(target: str, name: str) -> Callable[[Den], object]:
    return lambda den: (den.folder / name).symlink_to(target)


def _folder(name: str, then: str, bring: Callable[[Den], Any], *makes: str, **more: Any) -> Animal:
    return Animal("Folders", name, bring, then, makes, **more)


def _as_ever(folder: Path) -> bool:
    """Whether a map is there, whole."""
    with rasterio.open(folder / "out.geolabel" / "classes.tif") as dataset:
        return bool((dataset.read(1)[20:] != dataset.nodata).all())


_FULL = "size=1m"

ANIMALS: tuple[Animal, ...] = (
    _folder(
        "a folder that may not be written to",
        "disk: cannot be written (Read-only file system); choose another folder with -o",
        _region((*_TILE, "disk/tiles.parquet")),
        disk="size=1m,ro",
    ),
    _folder(
        "a folder that may not be written to, to predict into",
        "disk: cannot be written (Read-only file system); choose another folder with -o",
        lambda den: (
            "predict",
            den.good / "region.tif",
            "--model",
            den.good / "run" / "model.safetensors",
            "-o",
            "disk/out",
        ),
        disk="size=1m,ro",
    ),
    _folder(
        "a full disk",
        "disk/tiles.parquet: the disk is full; free some space or write elsewhere with -o",
        _on_disk(lambda den: (*_TILE, "disk/tiles.parquet")),
        disk=_FULL,
    ),
    _folder(
        "a full disk, to dehaze onto",
        "disk/clear.tif: the disk is full; free some space or write elsewhere with -o",
        _on_disk(lambda den: ("dehaze", "region.tif", "-o", "disk/clear.tif")),
        disk=_FULL,
    ),
    _folder(
        "a full disk, to outline onto",
        "disk/p.gpkg: the disk is full; free some space or write elsewhere with -o",
        _on_disk(lambda den: ("polygons", den.good / "region.geolabel", "-o", "disk/p.gpkg")),
        disk=_FULL,
    ),
    _folder(
        "a full disk, to encode onto",
        "disk/v.region: the disk is full; free some space or write elsewhere with -o",
        _on_disk(
            lambda den: (
                "embed",
                "encode",
                "region.tif",
                "--model",
                den.good / "run" / "model.safetensors",
                "-o",
                "disk/v.parquet",
            )
        ),
        disk=_FULL,
    ),
    _folder(
        "the working directory was deleted",
        "the working directory was deleted; change into one that exists (cd)",
        _gone,
    ),
    _folder(
        "an input that is deleted while it is read",
        "the map of the open file, whole",
        _while_read(Path.unlink),
        "out.geolabel",
        shows=_as_ever,
        loses=("region.tif",),
    ),
    _folder(
        "an input that shrinks while it is read",
        "region.tif: cannot be read at rows 0–258: the file is truncated or damaged; copy or download it again",
        _while_read(_halve),
        loses=("region.tif",),
    ),
    _folder(
        "an input that went between two commands", "region.tif: no such file; a raster was expected", _gone_in_between
    ),
    _folder(
        "an input that is a link",
        "the raster that it leads to",
        _region(("tile", "link.tif", "-o", "tiles.parquet"), _link("region.tif", "link.tif")),
        "tiles.parquet",
    ),
    _folder(
        "a raster that is a dangling link",
        "link.tif: no such file; a raster was expected",
        _region(("tile", "link.tif", "-o", "tiles.parquet"), _link("nowhere.tif", "link.tif")),
    ),
    _folder(
        "a raster that is a link to itself",
        "link.tif: no such file; a raster was expected",
        _region(("tile", "link.tif", "-o", "tiles.parquet"), _link("link.tif", "link.tif")),
    ),
    _folder(
        "a link to itself, to inspect",
        "link.tif: no such file or folder, and no model that comes with geolabel "
        "(amazon-mining-rgb); look for a slip in it",
        _region(("inspect", "link.tif"), _link("link.tif", "link.tif")),
    ),
    _folder(
        "an output that is a dangling link",
        "link.parquet: is a link that leads nowhere; remove it, or choose another name with -o",
        _region((*_TILE, "link.parquet"), _link("tiles.parquet", "link.parquet")),
    ),
    _folder(
        "an output that is a link to itself",
        "link.parquet: is a link that leads nowhere; remove it, or choose another name with -o",
        _region((*_TILE, "link.parquet"), _link("link.parquet", "link.parquet")),
    ),
    _folder(
        "an output that is a link to the input",
        "link.parquet: is, or holds, the input region.tif; write elsewhere with -o",
        _region((*_TILE, "link.parquet", "--overwrite"), _link("region.tif", "link.parquet")),
    ),
    _folder(
        "an output that is the input",
        "region.tif: is, or holds, the input region.tif; write elsewhere with -o",
        _region((*_TILE, "region.tif", "--overwrite")),
    ),
    _folder(
        "an output that is a folder",
        "there: exists already; give --overwrite, or another name with -o",
        _region((*_TILE, "there"), lambda den: (den.folder / "there").mkdir()),
    ),
    _folder(
        "an output that exists",
        "tiles.parquet: exists already; give --overwrite, or another name with -o",
        _region((*_TILE, "tiles.parquet"), lambda den: den.take("tiles.parquet")),
    ),
    _folder(
        "an output below a file",
        "region.tif: cannot be written (File exists); choose another folder with -o",
        _region((*_TILE, "region.tif/tiles.parquet")),
    ),
    _folder(
        "an output in a folder that is yet to be made",
        "the folder is made",
        _region((*_TILE, "a/b/tiles.parquet")),
        "a",
    ),
    _folder(
        "an output that is a pipe",
        "pipe: is no file; choose another name with -o",
        _region((*_TILE, "pipe", "--overwrite"), lambda den: os.mkfifo(den.folder / "pipe")),
    ),
    _folder(
        "a folder of somebody else's, to be replaced",
        "mine: is a folder that geolabel predict did not make and does not replace; choose another with -o",
        lambda den: (
            (den.folder / "mine").mkdir(),
            (den.folder / "mine" / "thesis.txt").write_text("mine"),
            (
                "predict",
                den.good / "region.tif",
                "--model",
                den.good / "run" / "model.safetensors",
                "-o",
                "mine",
                "--overwrite",
            ),
        )[2],
    ),
    _folder(
        "an output within the folder of the input",
        "a map in a folder of its own",
        lambda den: (
            den.take("region.tif", "in/region.tif"),
            ("predict", "in", "--model", den.good / "run" / "model.safetensors", "-o", "in/out"),
        )[1],
        "in",
    ),
    _folder(
        "an output around the folder of the input",
        "in: is, or holds, the input in/region.tif; write elsewhere with -o",
        lambda den: (
            den.take("region.tif", "in/region.tif"),
            ("predict", "in/region.tif", "--model", den.good / "run" / "model.safetensors", "-o", "in", "--overwrite"),
        )[1],
    ),
    _folder(
        "a folder with a raster and a link in a circle",
        "the raster in the folder, once",
        lambda den: (
            den.take("region.tif", "in/region.tif"),
            (den.folder / "in" / "again").symlink_to(den.folder / "in"),
            ("dehaze", "in", "-o", "clear.tif"),
        )[2],
        "clear.tif",
    ),
)
