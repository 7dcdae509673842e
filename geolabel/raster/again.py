"""An open raster that is opened again, and asked again, where a server broke off."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from geolabel.raster import door, remote, respelled, trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


@dataclass(slots=True)
class Handle:
    """What a reader reads from.

    GDAL forgets nothing: of a part that broke off it keeps the beginning for the whole, and a source that did not open
    once it passes over without a word. So nothing of it is used again.
    """

    path: Path
    _view: Callable[[Any], Any] | None
    """From an open raster to the warped view of it that is read; None where it is read itself."""
    _opened: list[Any]
    """The raster, and the view of it where there is one; the last is read."""
    _failures: int = field(default_factory=lambda: respelled.Failures.count)
    _closed: bool = field(init=False)
    """Whether nothing of it comes from a network."""

    def __post_init__(self) -> None:
        self._closed = not trust.check(self.path)

    @property
    def dataset(self) -> Any:
        """What is read."""
        return self._opened[-1]

    def close(self) -> None:
        """Close the view before what it looks at."""
        while self._opened:
            self._opened.pop().close()

    def read(self, where: str, read: Callable[[Any], T]) -> T:
        """What `read` gives for the open raster; `where` says which part it is.

        Raises InputError where it is truncated or damaged, or where a server breaks off each time.
        """
        import rasterio

        for pause in (*remote.PAUSES_S, None):
            try:
                with door.environment(closed=self._closed):  # whichever thread reads: its settings belong to a thread
                    if self._failures != respelled.Failures.count:  # another reader's too: GDAL keeps them for all
                        self._renew()
                    return read(self.dataset)
            except rasterio.errors.RasterioError as error:
                vain = remote.is_final(error) or not respelled.can_be_asked_again(self.path)
                if pause is None or vain:
                    raise door.unread(self.path, where, error) from error
            door.forget_downloads()
            time.sleep(pause)
        raise AssertionError

    def _renew(self) -> None:
        failures = respelled.Failures.count
        dataset = door.open_anew(self.path)
        self.close()
        self._opened = [dataset] if self._view is None else [dataset, self._view(dataset)]
        self._failures = failures
