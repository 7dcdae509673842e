"""Options of the zoo: at their edges, and beyond; with others that contradict them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Options"
_OUT = ("out.parquet",)


def _tile(*words: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        return ("tile", "region.tif", *words, "-o", "out.parquet")

    return bring


def _split(*words: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        den.take("tiles.parquet")
        return ("split", "tiles.parquet", *words, "-o", "out.parquet")

    return bring


def _label(*words: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        for name in ("region.tif", "tiles.parquet", "places.gpkg"):
            den.take(name)
        return ("label", "tiles.parquet", "--vector", "places.gpkg", "--field", "landuse", *words, "-o", "out.parquet")

    return bring


def _train(*words: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        den.take("tiles.parquet")
        return ("train", "tiles.parquet", *words, "-o", "learnt")

    return bring


def _predict(*words: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        den.take("run")
        return ("predict", "region.tif", "--model", "run/model.safetensors", *words, "-o", "seen")

    return bring


ANIMALS = (
    Animal(_ROOM, "--size 0", _tile("--size", 0), "--size and --stride must be at least 1 px, got 0 and 0"),
    Animal(_ROOM, "--size -1", _tile("--size", -1), "--size and --stride must be at least 1 px, got -1 and -1"),
    Animal(_ROOM, "--size 1", _tile("--size", 1), "a tile is one pixel", _OUT),
    Animal(_ROOM, "--size 10⁹", _tile("--size", 10**9), "one tile is all of it", _OUT),
    Animal(
        _ROOM,
        "--size 10²⁰",
        _tile("--size", 10**20),
        "--size 100000000000000000000: no raster is that wide; 2,147,483,647 px are the most",
    ),
    Animal(
        _ROOM,
        "--stride 0",
        _tile("--size", 16, "--stride", 0),
        "--size and --stride must be at least 1 px, got 16 and 0",
    ),
    Animal(
        _ROOM,
        "--stride above --size",
        _tile("--size", 16, "--stride", 17),
        "--stride 17 is larger than --size 16: pixels between tiles would be lost",
    ),
    Animal(_ROOM, "--min-valid nan", _tile("--min-valid", "nan"), "--min-valid must lie in 0–1, got nan"),
    Animal(_ROOM, "--min-valid -0.1", _tile("--min-valid", -0.1), "--min-valid must lie in 0–1, got -0.1"),
    Animal(
        _ROOM,
        "--sampling random --count 0",
        _tile("--sampling", "random", "--count", 0),
        "--count must be at least 1, got 0",
    ),
    Animal(
        _ROOM,
        "--sampling random without --count",
        _tile("--sampling", "random"),
        "--sampling random needs --count, the number of tiles to draw",
    ),
    Animal(
        _ROOM,
        "--count without --sampling",
        _tile("--count", 5),
        "--count is for drawn tiles: add --sampling random, or cluster",
    ),
    Animal(
        _ROOM,
        "--sampling random --count 10⁹",
        _tile("--size", 16, "--sampling", "random", "--count", 10**9),
        "--count 1,000,000,000: an index holds … tiles at most; draw fewer",
    ),
    Animal(_ROOM, "--bands that stand twice", _tile("--bands", "1,1"), "region.tif: --bands names a band twice: 1, 1"),
    Animal(
        _ROOM,
        "--bands 0",
        _tile("--bands", "0"),
        "region.tif: no band named 0; the file has red, green, blue, nir. Choose among these with --bands, …",
    ),
    Animal(
        _ROOM,
        "--bands 99",
        _tile("--bands", "99"),
        "region.tif: no band named 99; the file has red, green, blue, nir. Choose among these with --bands, …",
    ),
    Animal(
        _ROOM,
        "--bands -1",
        _tile("--bands", "-1"),
        "region.tif: no band named -1; the file has red, green, blue, nir. Choose among these with --bands, …",
    ),
    Animal(_ROOM, "--bands of nothing", _tile("--bands", ","), "is as without it: all bands", _OUT),
    Animal(_ROOM, "--aoi of three numbers", _tile("--aoi", "1,2,3"), "1,2,3: no such file; a vector file was expected"),
    Animal(
        _ROOM,
        "--aoi inside out",
        _tile("--aoi", "5,5,1,1"),
        "--aoi 5,5,1,1: is no rectangle of longitudes and latitudes; …",
    ),
    Animal(_ROOM, "--aoi of nan", _tile("--aoi", "nan,nan,nan,nan"), "--aoi nan,nan,nan,nan: is no rectangle …"),
    Animal(
        _ROOM, "--aoi without end", _tile("--aoi", "-inf,-inf,inf,inf"), "--aoi -inf,-inf,inf,inf: is no rectangle …"
    ),
    Animal(_ROOM, "--aoi of the whole world", _tile("--size", 16, "--aoi", "-180,-90,180,90"), "covers all", _OUT),
    Animal(
        _ROOM,
        "--images and a raster",
        _tile("--images", "."),
        "give rasters, or a folder of chips with --images, and not both",
    ),
    Animal(_ROOM, "--block 0", _split("--block", "0"), "--block must be more than 0 m, got 0"),
    Animal(
        _ROOM,
        "--block wider than everything",
        _split("--block", "900km"),
        "1 spatial blocks or groups cannot make 3 parts; give a smaller --block, or --by COLUMN",
    ),
    Animal(
        _ROOM,
        "--buffer wider than everything",
        _split("--block", "400m", "--buffer", "900km"),
        "no tile is left in train, val: give a larger --block, or a smaller --buffer",
    ),
    Animal(
        _ROOM,
        "--val 1",
        _split("--val", 1),
        "--val 1 and --test 0.15 must leave something to train on: together below 1",
    ),
    Animal(
        _ROOM,
        "--val .5 --test .5",
        _split("--val", 0.5, "--test", 0.5),
        "--val 0.5 and --test 0.5 must leave something to train on: together below 1",
    ),
    Animal(
        _ROOM,
        "--val nan",
        _split("--val", "nan"),
        "--val nan and --test 0.15 must leave something to train on: together below 1",
    ),
    Animal(_ROOM, "--presence nan", _label("--presence", "nan"), "--presence must lie above 0 and up to 1, got nan"),
    Animal(
        _ROOM,
        "--presence of a class that is not there",
        _label("--presence", "sea=.1"),
        "--presence: no class 'sea'; there are bare, forest",
    ),
    Animal(_ROOM, "--dominant 0", _label("--dominant", 0), "--dominant must lie above 0 and up to 1, got 0"),
    Animal(_ROOM, "--min-known nan", _label("--min-known", "nan"), "--min-known must lie in 0–1, got nan"),
    Animal(_ROOM, "--epochs 0", _train("--epochs", 0), "--epochs must be more than 0, got 0"),
    Animal(_ROOM, "--batch 0", _train("--batch", 0), "--batch must be more than 0, got 0"),
    Animal(_ROOM, "--lr 0", _train("--lr", 0), "--lr must be more than 0, got 0"),
    Animal(_ROOM, "--lr nan", _train("--lr", "nan"), "--lr must be a number, got nan"),
    Animal(_ROOM, "--seed -1, for training", _train("--seed", -1), "--seed must not be negative, got -1"),
    Animal(
        _ROOM,
        "--seed 2⁶⁴, for training",
        _train("--seed", 2**64),
        "--seed must be 2147483647 at the most, got 1.84467e+19",
    ),
    Animal(
        _ROOM,
        "--model of a network that is not there",
        _train("--model", "resnet81"),
        "resnet81: no such network; did you mean resnet18, …?",
    ),
    Animal(_ROOM, "--threshold 2", _predict("--threshold", 2), "--threshold must lie between 0 and 1, got 2"),
    Animal(_ROOM, "--threshold nan", _predict("--threshold", "nan"), "--threshold must lie between 0 and 1, got nan"),
    Animal(
        _ROOM,
        "--stride above the model's tile",
        _predict("--stride", 17),
        "--stride must lie in 1–16 px, the model's tile, got 17",
    ),
    Animal(
        _ROOM,
        "--shard 0/0",
        _predict("--shard", "0/0"),
        "--shard 0/0: write the number of the part, from 1 on, and of how many: 3/16",
    ),
    Animal(
        _ROOM,
        "--shard 5/4",
        _predict("--shard", "5/4"),
        "--shard 5/4: write the number of the part, from 1 on, and of how many: 3/16",
    ),
    Animal(
        _ROOM,
        "--workers 1000",
        _predict("--workers", 1000),
        "--workers 1000: … processes are the most that help this machine; give fewer",
    ),
    Animal(
        _ROOM,
        "--batch -1, for a prediction",
        _predict("--batch", -1),
        "--batch must be 1 or more tiles, or auto, got -1",
    ),
)
