from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.views.chromium import launched

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium
