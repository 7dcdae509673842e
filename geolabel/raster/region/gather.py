"""All inputs of a region as one raster on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.raster.region.inputs import expand
from geolabel.raster.region.mosaic import mosaic
from geolabel.raster.region.parts import Plain
from geolabel.raster.region.scene import look
from geolabel.raster.region.stack import stack

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "region.vrt"


def gather(inputs: Sequence[str], folder: Path, *, bands: Sequence[str] = ()) -> Path:
    """One raster of all that `inputs` name: rasters, folders, globs, SAFE and band-per-file products, STAC, addresses.

    One raster on this machine is given back as it is. Of all else, `region.vrt` is written into `folder`, with files
    beside it that it refers to; no pixel is read. Its grid is that of most of the area; later inputs lie over earlier
    ones; a pixel is valid where it is in any of them. `bands` names or chooses bands as `describe` does, and is to be
    given to `describe` again. Raises InputError, BandError, CRSError, EmptyError (an empty folder), OutputError.
    """
    parts = expand(inputs)
    if len(parts) == 1 and isinstance(parts[0], Plain) and not parts[0].source.startswith("/vsi"):
        named = Path(inputs[0])
        same = named.is_file() and named.resolve() == Path(parts[0].source).resolve()
        return named if same else Path(parts[0].source)  # a STAC item, a folder or a pattern names another file
    path = folder.resolve() / NAME
    with files.writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        if len(parts) == 1 and not isinstance(parts[0], Plain):
            stack(parts[0], path, bands)
            return path
        scenes = [
            look(part.source, bands=bands)
            if isinstance(part, Plain)
            else stack(part, path.with_name(f"region.product{number}.vrt"), bands)
            for number, part in enumerate(parts, start=1)
        ]
        mosaic(scenes, path)
    return path
