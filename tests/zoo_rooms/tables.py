"""Tables of the zoo: tags of pictures, and what spreadsheets make of them."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_ROOM = "Tables"
_OUT = ("out.parquet",)
_GOOD = "image,tags\na,water\nb,forest water\n"


def _pictures(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names or ("a", "b"):
        Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(folder / f"{name}.png")


def _tags(content: str | bytes, *more: object, name: str = "tags.csv") -> Callable[[Den], Sequence[object]]:
    """A table of the pictures a.png and b.png, which `tile` reads."""

    def bring(den: Den) -> Sequence[object]:
        _pictures(den.folder / "chips")
        (den.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ("tile", "--images", "chips", "--tags", name, *more, "-o", "out.parquet")

    return bring


def _later(content: str) -> Callable[[Den], Sequence[object]]:
    """A table that `label` reads: of tiles of a raster."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        den.take("tiles.parquet")
        (den.folder / "tags.csv").write_text(content)
        return ("label", "tiles.parquet", "--tags", "tags.csv", "-o", "out.parquet")

    return bring


def _parquet(den: Den) -> Sequence[object]:
    words = _tags("")(den)
    pq.write_table(pa.table({"image": ["a", "b"], "tags": ["water", "forest"]}), den.folder / "tags.csv")
    return words


def _workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


def _outside(*names: str) -> Callable[[Den], Sequence[object]]:
    """A table that names pictures which lie outside of the folder of pictures."""

    def bring(den: Den) -> Sequence[object]:
        _pictures(den.folder / "secret", "c")
        rows = "".join(f"{name.format(den.folder)},water\n" for name in names)
        return _tags(f"image,tags\n{rows}")(den)

    return bring


def _linked(den: Den) -> Sequence[object]:
    """A link in the folder of pictures that leads out of it."""
    _pictures(den.folder / "secret", "c")
    words = _tags("image,tags\na,water\nc,forest\n")(den)
    (den.folder / "chips" / "c.png").symlink_to(den.folder / "secret" / "c.png")
    return words


def _linked_folder(den: Den) -> Sequence[object]:
    _pictures(den.folder / "secret", "c")
    words = _tags("image,tags\na,water\nc,forest\n")(den)
    (den.folder / "chips" / "more").symlink_to(den.folder / "secret", target_is_directory=True)
    return words


def _alike(den: Den) -> Sequence[object]:
    words = _tags("image,tags\na,water\n")(den)
    for part in ("one", "two"):
        _pictures(den.folder / "chips" / part, "a")
    return words


_WIDE = "image," + ",".join(f"c{at}" for at in range(100_000)) + "\na," + ",".join("1" * 100_000) + "\n"
_LONG = f'image,tags\na,"{"x" * 10_000_000}"\nb,water\n'

ANIMALS = (
    Animal(_ROOM, "a table with a BOM", _tags(_GOOD.encode("utf-8-sig")), "is read", _OUT),
    Animal(_ROOM, "semicolons", _tags(_GOOD.replace(",", ";")), "are seen", _OUT),
    Animal(_ROOM, "tabulators", _tags(_GOOD.replace(",", "\t")), "are seen", _OUT),
    Animal(_ROOM, "lines that end as on Windows", _tags(_GOOD.replace("\n", "\r\n")), "is read", _OUT),
    Animal(_ROOM, "lines that end as on old Macintoshes", _tags(_GOOD.replace("\n", "\r")), "is read", _OUT),
    Animal(_ROOM, "no line break at the end", _tags(_GOOD.rstrip()), "is read", _OUT),
    Animal(_ROOM, "empty lines", _tags(_GOOD.replace("\n", "\n\n")), "are left out", _OUT),
    Animal(_ROOM, "blanks around all cells", _tags("image , tags\n a , water \n b , forest\n"), "are left out", _OUT),
    Animal(_ROOM, "names of columns in capitals", _tags(_GOOD.replace("image,tags", "IMAGE,TAGS")), "are read", _OUT),
    Animal(
        _ROOM,
        "decimal commas",
        _tags('image;water\na;"0,5"\nb;1\n'),
        "tags.csv: no tags: a column 'tags', or one column of 0 and 1 a class, was expected",
    ),
    Animal(
        _ROOM,
        "decimal commas as places",
        _tags('image;tags;lon;lat\na;water;"9,5";"47,1"\nb;forest;9;47\n'),
        "tags.csv: lon must be numbers of degrees with a decimal point …",
    ),
    Animal(
        _ROOM,
        "places that are none",
        _tags("image,tags,lon,lat\na,water,900,47\nb,forest,9,nan\n"),
        "tags.csv, row 1: lon must be degrees, at most 360, got 900; …",
    ),
    Animal(
        _ROOM,
        "places without end",
        _tags("image,tags,lon,lat\na,water,inf,47\nb,forest,9,47\n"),
        "tags.csv, row 1: lon must be degrees, at most 360, got inf; …",
    ),
    Animal(
        _ROOM,
        "a table that is not there",
        lambda den: (*_tags("")(den)[:4], "none.csv", "-o", "out.parquet"),
        "none.csv: no such file; a table (CSV) was expected",
    ),
    Animal(_ROOM, "an empty table", _tags(""), "tags.csv: the file is empty; …"),
    Animal(
        _ROOM, "only blanks", _tags(" \n \n"), "tags.csv: a header and at least one row with two columns were expected"
    ),
    Animal(
        _ROOM,
        "only a header",
        _tags("image,tags\n"),
        "tags.csv: a header and at least one row with two columns were expected",
    ),
    Animal(
        _ROOM,
        "one column",
        _tags("image\na\nb\n"),
        "tags.csv: a header and at least one row with two columns were expected",
    ),
    Animal(
        _ROOM,
        "no column of tags",
        _tags("image,colour\na,red\nb,blue\n"),
        "tags.csv: no tags: a column 'tags', or one column of 0 and 1 a class, was expected",
    ),
    Animal(
        _ROOM,
        "a column twice",
        _tags("image,tags,tags\na,water,x\nb,forest,y\n"),
        "tags.csv: two columns have the same name; rename one",
    ),
    Animal(
        _ROOM,
        "a column without a name",
        _tags("image,tags,\na,water,x\nb,forest,y\n"),
        "tags.csv: column 3 has no name; give it one in the first line",
    ),
    Animal(
        _ROOM,
        "a picture twice",
        _tags("image,tags\na,water\na,forest\n"),
        "tags.csv: 1 images stand in several rows (a); keep one row each",
    ),
    Animal(
        _ROOM,
        "a picture twice, with and without ending",
        _tags("image,tags\na,water\na.png,forest\n"),
        "images a and a.png: are one file; keep one row of the table",
    ),
    Animal(
        _ROOM,
        "a picture without a name",
        _tags("image,tags\n,water\nb,forest\n"),
        "tags.csv: row 1 names no image; name it, or delete the row",
    ),
    Animal(_ROOM, "a name that fits two pictures", _alike, "…fits …; write its folder and ending too"),
    Animal(_ROOM, "rows with too few cells", _tags("image,tags\na\nb,water\n"), "these are unknown", _OUT),
    Animal(
        _ROOM,
        "rows with too many cells",
        _tags("image,tags\na,water,forest\n"),
        "tags.csv, line 2: more cells than the header's 2; …",
    ),
    Animal(
        _ROOM,
        "a quote that is never closed",
        _tags('image,tags\na,"water\nb,forest\n'),
        "tags.csv, line …: unexpected end of data; is a quote opened and never closed?",
    ),
    Animal(
        _ROOM,
        "zeros in the text",
        _tags("image,tags\na,wa\0ter\nb,forest\n"),
        "tags.csv: names no class (…); rename it in the table",
    ),
    Animal(_ROOM, "UTF-16", _tags(_GOOD.encode("utf-16")), "tags.csv: is not UTF-8 text; save it as CSV UTF-8"),
    Animal(
        _ROOM,
        "Latin-1",
        _tags("image,tags\na,água\nb,x\n".encode("latin-1")),
        "tags.csv: is not UTF-8 text; save it as CSV UTF-8",
    ),
    Animal(
        _ROOM,
        "a cell of 10 MB",
        _tags(_LONG),
        "tags.csv, line …: field larger than field limit (131072); is a quote opened and never closed?",
    ),
    Animal(
        _ROOM, "100,000 columns", _tags(_WIDE), "tags.csv: has 100,001 columns; 10,000 are the most, leave some out"
    ),
    Animal(_ROOM, "a workbook, called .csv", _tags(_workbook()), "tags.csv: is not UTF-8 text; save it as CSV UTF-8"),
    Animal(_ROOM, "Parquet, called .csv", _parquet, "tags.csv: is not UTF-8 text; save it as CSV UTF-8"),
    Animal(
        _ROOM,
        "a web page, called .csv",
        _tags("<!DOCTYPE html>\n<html>, 404</html>\n"),
        "tags.csv: a header and at least one row with two columns were expected",
    ),
    Animal(_ROOM, "formulas in cells", _tags("image,tags\na,=1+1\nb,@SUM(A1)\n"), "are text", _OUT),
    Animal(
        _ROOM,
        "tags of 10,000 characters",
        _tags(f"image,tags\na,{'x' * 10_000}\nb,water\n"),
        "tags.csv: names no class (…); rename it in the table",
    ),
    Animal(
        _ROOM,
        "tags with control characters",
        _tags("image,tags\na,wa\x07ter\nb,forest\n"),
        "tags.csv: names no class (…); rename it in the table",
    ),
    Animal(
        _ROOM,
        "tags that are reserved",
        _tags("image,tags\na,known\nb,forest\n"),
        "tags.csv: names no class (…reserved…); rename it in the table",
    ),
    Animal(
        _ROOM,
        "no picture has a tag",
        _tags("image,tags\na,\nb,nan\n"),
        "tags.csv: no tags: a column 'tags', or one column of 0 and 1 a class, was expected",
    ),
    Animal(
        _ROOM,
        "300 tags",
        _tags("image,tags\na," + " ".join(f"t{at}" for at in range(300)) + "\nb,t1\n"),
        "scheme 'tags': 300 classes; 1 to 253 fit",
    ),
    Animal(
        _ROOM,
        "shares beyond 1",
        _tags("image,water\na,2\nb,1\n"),
        "tags.csv: no tags: a column 'tags', or one column of 0 and 1 a class, was expected",
    ),
    Animal(
        _ROOM,
        "shares that are not numbers",
        _tags("image,water,forest\na,nan,1\nb,inf,0\n"),
        "a column of these is no class",
        _OUT,
    ),
    Animal(
        _ROOM,
        "pictures that are not in the folder",
        _tags("image,tags\nx,water\ny,forest\n"),
        "tags.csv: none of its 2 images is in the folder, x for one; check --images",
    ),
    Animal(
        _ROOM,
        "some pictures that are not in the folder",
        _tags("image,tags\na,water\ny,forest\n", "--missing", "error"),
        "tags.csv: 1 images are not in the folder, y for one; add them, or --missing skip",
    ),
    Animal(
        _ROOM,
        "paths out of the folder",
        _outside("../secret/c.png", "../../secret/c", "chips/../../secret/c.png"),
        "tags.csv: none of its 3 images is in the folder, ../secret/c.png for one; check --images",
    ),
    Animal(
        _ROOM,
        "whole paths",
        _outside("{}/secret/c.png", "/etc/passwd"),
        "tags.csv: none of its 2 images is in the folder, … for one; check --images",
    ),
    Animal(
        _ROOM,
        "a link to a picture outside of the folder",
        _linked,
        "chips/c.png: is a link that leads out of the folder; copy the picture into it",
    ),
    Animal(_ROOM, "a link to a folder outside of the folder", _linked_folder, "what lies there is not read", _OUT),
    Animal(
        _ROOM,
        "tags of pictures for tiles of a raster",
        _later(_GOOD),
        "tags.csv: --tags names chips, but this index has several tiles a file; …",
    ),
)
