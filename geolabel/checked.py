"""JSON-like values read with care: each is of the type and in the range that it should be, or is named by its place.

contract = checked.parse(text)
contract["bands"].items()[2]["std"].number(above=0)  # 'bands[2].std' must be a number above 0, got -1
"""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from geolabel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Name = TypeVar("Name", bound=str)
DEEPEST = 64
"""Lists and tables within each other; what geolabel writes has ten at the most, and Python walks through a thousand."""
MAX_CLASSES = 253
"""Of a scheme or a model: a class raster holds one byte; 0 is "none of these", 254 undecided, 255 nodata."""
MAX_NAME = 200
"""Characters of a class's name: it becomes a column, a band and an entry of a legend."""
_SHOWN = 60
"""Characters of a wrong value that are quoted."""
_STEERING = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of what steers, of halves of characters, and of line and paragraph ends."""
_LONGEST = 10_000
"""Characters of a text."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value, and where it stands in what was read. All methods raise DamagedError, which names both."""

    value: Any
    name: str = ""

    def __getitem__(self, key: str) -> Told:
        """An entry of a table, which must be there."""
        found = self.get(key)
        if found is None:
            raise DamagedError(f"{self.within(key)!r} is missing")
        return found

    def get(self, key: str) -> Told | None:
        """An entry of a table; None where it is missing or null."""
        found = self.table().get(key)
        return None if found is None else Told(found, self.within(key))

    def table(self) -> dict[str, Any]:
        """The value as a table of anything."""
        if not isinstance(self.value, dict):
            raise self._wrong("a table")
        return self.value

    def entries(self) -> dict[str, Told]:
        """A table's entries by name."""
        return {key: Told(value, self.within(key)) for key, value in self.table().items()}

    def items(self, count: int | None = None, *, most: float = math.inf) -> tuple[Told, ...]:
        """A list's entries: `count` of them where that is said, and `most` at the most."""
        if not isinstance(self.value, list | tuple):
            raise self._wrong("a list")
        if count is not None and len(self.value) != count:
            raise self._wrong(f"a list of {count}")
        if len(self.value) > most:
            raise self._wrong(f"a list of {most:g} at the most")
        return tuple(Told(value, f"{self.name}[{at}]") for at, value in enumerate(self.value))

    def text(self, longest: int = _LONGEST) -> str:
        """A text that can be written and printed as it is."""
        if not isinstance(self.value, str):
            raise self._wrong("a text")
        if len(self.value) > longest:
            raise self._wrong(f"a text of {longest} characters at the most")
        return self.value

    def texts(self, *, most: float = math.inf) -> tuple[str, ...]:
        """A list of texts, `most` at the most."""
        return tuple(item.text() for item in self.items(most=most))

    def one_of(self, names: Collection[Name]) -> Name:
        """One of some texts."""
        for name in names:
            if name == self.value:
                return name
        raise self._wrong(f"one of {', '.join(names)}")

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value

    def number(self, *, least: float = -math.inf, above: float = -math.inf, most: float = math.inf) -> float:
        """A finite number."""
        wanted = _range("a number", least, above, most)
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self._wrong(wanted)
        try:
            found = float(self.value)
        except OverflowError:
            raise self._wrong(wanted) from None
        if not math.isfinite(found) or not (found >= least and found > above and found <= most):
            raise self._wrong(wanted)
        return found

    def as_written(self) -> float:
        """A finite number, 2 or 2.0: what is written again is the same text."""
        found = self.number()
        return self.value if isinstance(self.value, int) else found

    def whole(self, *, least: float = -math.inf, most: float = math.inf) -> int:
        """A whole number; 3.0 is one."""
        found = self.number()
        if not found.is_integer() or not least <= found <= most:
            raise self._wrong(_range("a whole number", least, -math.inf, most))
        return int(self.value)

    def numbers(self, count: int | None = None) -> tuple[float, ...]:
        """A list of finite numbers, `count` of them where that is said."""
        return tuple(item.number() for item in self.items(count))

    def within(self, key: str) -> str:
        """The place of an entry, as messages name it."""
        return f"{self.name}.{key}" if self.name else key

    def only(self, names: Collection[str]) -> None:
        """Raise DamagedError where a table has another entry than these."""
        strange = [key for key in self.table() if key not in names]
        if strange:
            raise DamagedError(f"{_short(self.within(strange[0]))} is unknown")

    def _wrong(self, wanted: str) -> DamagedError:
        where = repr(self.name) if self.name else "it"
        return DamagedError(f"{where} must be {wanted}, got {_short(self.value)}")


def fields_of(told: Told, kind: type[Any]) -> dict[str, Any]:
    """Fields of a dataclass out of a table, each of the type that it is declared with; those left out are left out.

    Lists become tuples, and texts paths where these are declared. Raises DamagedError, also for unknown fields.
    """
    hints = get_type_hints(kind, localns={"Path": Path})
    told.only(hints)
    return {name: _typed(Told(entry, told.within(name)), hints[name]) for name, entry in told.table().items()}


def _typed(told: Told, hint: Any) -> Any:
    plain: dict[Any, Callable[[], Any]] = {
        bool: told.flag,
        int: told.whole,
        float: told.as_written,
        str: told.text,
        Path: lambda: Path(told.text()),
    }
    if hint in plain:
        return plain[hint]()
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return told.one_of(inner)
    if get_origin(hint) is tuple:
        return tuple(_typed(item, inner[0]) for item in told.items())
    if told.value is None and type(None) in inner:
        return None
    return _typed(told, next(one for one in inner if one is not type(None)))


def parse(content: bytes | str) -> Told:
    """JSON, UTF-8. Raises DamagedError where it is none, is nested too deep, or holds texts that no file can hold."""
    try:
        value = json.loads(content.decode() if isinstance(content, bytes) else content)
    except (ValueError, RecursionError) as error:  # numbers and nesting without end are of no JSON that anybody wrote
        raise DamagedError(f"it is not JSON ({error})") from error
    check(value)
    return Told(value)


def is_one_line(text: str) -> bool:
    """Whether a name can stand in a line, a table and a picture: no line breaks, and no letters that steer a screen."""
    return text.isprintable() or not any(unicodedata.category(letter) in _STEERING for letter in text)


def check(value: Any) -> None:
    """Raise DamagedError where JSON is nested too deep, or holds texts that no file can hold."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for found in level:
            if isinstance(found, dict):
                inner += [*found, *found.values()]
            elif isinstance(found, list):
                inner += found
            elif isinstance(found, str) and ("\0" in found or not _is_unicode(found)):
                raise DamagedError(f"{_short(found)} is no text that can be written")
        if not inner:
            return
        level = inner
    raise DamagedError(f"its lists and tables are nested more than {DEEPEST} deep")


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold it; JSON can name one half of a character without the other."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _short(value: Any) -> str:
    """A value for a message; never the whole of a large one."""
    if isinstance(value, dict | list | tuple):
        return f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return "a number without end"
    text = ascii(value) if isinstance(value, str) and not _is_unicode(value) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _range(what: str, least: float, above: float, most: float) -> str:
    bounds = [
        *([f"above {above:g}"] if above > -math.inf else []),
        *([f"at least {least:g}"] if least > -math.inf else []),
        *([f"{most:g} at the most"] if most < math.inf else []),
    ]
    return f"{what}{' ' if bounds else ''}{', '.join(bounds)}"
