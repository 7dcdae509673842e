"""Damage to valid files: any node of JSON or TOML replaced by anything, and bytes flipped, cut and moved."""

from __future__ import annotations

import copy
import json
import struct
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_DEEP = json.loads("[" * 80 + "]" * 80)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3.5, 0.5, -0.0, 255, 256, 2**31, 2**63, 2**64, 10**12, 10**400, -(10**30)),
    *(1e308, -1e308, 1e-320, float("inf"), float("-inf"), float("nan")),
    *("", " ", "a", "0", "1e5", "nan", "\0", "\n", "\ud800", "é", "\u202e", "x" * 20_000, "<script>alert(1)</script>"),
    *("../../etc/passwd", "/dev/zero", "/vsicurl/http://localhost:9/x.tif", "EPSG:0", "EPSG:4326", "2020-13-45", "{0}"),
    *([], {}, [[]], [None], [1, 2], [1, 2, 3, 4, 5, 6], {"": None}, {"a": 1}, [{}], [{"name": "a"}], _DEEP, [0] * 5000),
)
"""What stands where something else should."""


def json_value(random: Random, value: Any) -> Any:
    """A copy of a value with one to three nodes replaced, left out, doubled, renamed, or put in another's place."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return random.choice(ODD)
        inside, key = random.choice(places)
        match random.randrange(8):
            case 0:
                del inside[key]
            case 1:
                other, at = random.choice(places)
                inside[key] = copy.deepcopy(other[at])
            case 2 if isinstance(inside, list):
                inside.insert(key, copy.deepcopy(inside[key]))
            case 2:
                inside[str(random.choice(("", "surprise", "\ud800", str(key) * 2)))] = inside.pop(key)
            case 3 if isinstance(inside[key], str):
                inside[key] = _text(random, inside[key])
            case 3 if isinstance(inside[key], int | float) and abs(inside[key]) < 2**64:
                inside[key] = inside[key] * random.choice((-1, 0, 1e9, 1e-9, 1e300, 0.5))
            case _:
                inside[key] = copy.deepcopy(random.choice(ODD))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every node but the root, as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            waiting.append(node[key])
    return found


def _text(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(("", "\0", "\n", "é", "/", "..", "9" * 5000)) + text[at + random.randrange(3) :]


def raw(random: Random, content: bytes) -> bytes:
    """Bytes flipped, cut off, left out, doubled or put elsewhere."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(found) + 1)
        length = random.choice((1, 1, 4, 50, 1000))
        match random.randrange(5):
            case 0:
                del found[at:]
            case 1:
                del found[at : at + length]
            case 2:
                found[at:at] = found[at : at + length]
            case 3:
                found[at : at + length] = random.randbytes(length)
            case _ if at < len(found):
                found[at] ^= 1 << random.randrange(8)
    return bytes(found)


def json_file(random: Random, content: bytes) -> bytes:
    """A JSON file."""
    return _mostly(random, content, lambda: _dumped(json_value(random, json.loads(content))))


def toml_file(random: Random, content: bytes) -> bytes:
    """A TOML file."""
    return _mostly(random, content, lambda: _toml(json_value(random, tomllib.loads(content.decode()))))


def _mostly(random: Random, content: bytes, by_structure: Callable[[], bytes]) -> bytes:
    """Three in four by structure, one by bytes."""
    return by_structure() if random.randrange(4) else raw(random, content)


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _toml(value: Any) -> bytes:
    """A table as TOML, in one line an entry; what TOML cannot hold becomes a text."""
    table = value if isinstance(value, dict) else {"value": value}
    return "".join(f"{_key(key)} = {_inline(item)}\n" for key, item in table.items()).encode(errors="surrogatepass")


def _inline(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case None:
            return '""'
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "")


def _key(key: object) -> str:
    return json.dumps(str(key), ensure_ascii=False)


def safetensors_header(key: str) -> Callable[[Random, bytes], bytes]:
    """For safetensors whose metadata hold JSON under a key: that is damaged, or the header, or the bytes."""

    def damage(random: Random, content: bytes) -> bytes:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        match random.randrange(8):
            case 0:
                return raw(random, content)
            case 1:
                header = json_value(random, header)
            case _:
                told = json.loads(header["__metadata__"][key])
                header["__metadata__"][key] = json.dumps(json_value(random, told))
        text = _dumped(header)
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return damage
