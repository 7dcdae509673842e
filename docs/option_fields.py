"""For the API reference: what `option(default, help)` says of a field of a recipe becomes the field's value and text."""

from __future__ import annotations

from ast import literal_eval
from typing import Any

from griffe import Attribute, Docstring, ExprCall, Extension

MAKER = "option"


class OptionFields(Extension):
    """Fields whose help is given to a function read as if it stood below them."""

    def on_attribute(self, *, attr: Attribute, **kwargs: Any) -> None:
        """Of `lr: float = option(0.001, "Highest learning rate.")`: `lr: float = 0.001`, and the sentence."""
        made = attr.value
        if isinstance(made, ExprCall) and str(made.function) == MAKER:
            default, told = made.arguments[:2]
            attr.docstring = attr.docstring or Docstring(literal_eval(str(told)), parent=attr)
            attr.value = default
