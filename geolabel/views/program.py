"""What pages with a program have in common: their parts put together, and what the browser lets them do."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def joined(names: Iterable[str]) -> str:
    """Texts of files in this room or the rooms below it, one after the other."""
    room = resources.files("geolabel.views")
    return "".join(room.joinpath(name).read_text(encoding="utf-8") for name in names)


def policy(script: str, style: str, *, pictures: str) -> str:
    """Content security policy: run this script, use this style, show `pictures` (its schemes, say "data:"), no more."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src {pictures}; "
        "base-uri 'none'; form-action 'none'"
    )


def json_in_page(data: Any) -> str:
    """JSON that may stand in a page: no text in it can end the element that it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    """A source as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
