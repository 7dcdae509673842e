"""The place for a digest inside the very file that it is of."""

from __future__ import annotations

import re

_NAME = "geolabel-content-"
DIGEST_BYTES = 16
UNKNOWN = "0" * (2 * DIGEST_BYTES)
MARK = _NAME + UNKNOWN
"""Stands in a file until its digest is known, which takes the place of the zeros."""
_QUOTE = rb'\\*(?:"|&(?:amp;)*quot;)'
PATTERN = re.compile(rb"content" + _QUOTE + rb": ?" + _QUOTE + rb"geolabel-content-([0-9a-f]{32})")
"""The mark as a value of JSON, however what is around it has escaped that: a title that looks like it is none."""
