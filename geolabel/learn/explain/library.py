"""captum, which the extra `explain` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel.errors import InstallError

if TYPE_CHECKING:
    from types import ModuleType


def check_installed() -> None:
    """Raise InstallError where captum is not there: before any work is done."""
    load_captum()


def load_captum() -> ModuleType:
    """The methods of captum. Raises InstallError."""
    try:
        import captum.attr
    except ImportError as error:
        raise InstallError(
            f"explanations need captum, which cannot be imported ({error}): pip install 'geolabel[explain]'"
        ) from error
    methods: ModuleType = captum.attr
    return methods
