"""The model file: weights and the contract they need, in one safetensors file without pickle (docs/formats.md)."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from geolabel import checked, files, provenance
from geolabel.errors import DamagedError, ModelError
from geolabel.model.contract import card_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.model.card import ModelCard

_MAX_HEADER_BYTES = 100_000_000
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def write_model(path: Path, card: ModelCard, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Write weights and card as one file, whole or not at all, over what was there."""
    import numpy as np
    from safetensors.numpy import save_file

    with files.new_file(path, overwrite=True) as draft:
        told = provenance.said(draft)
        contract = files.to_json(card) | ({provenance.MADE: told} if told else {})
        # one entry: safetensors keeps several in no order
        metadata = {"geolabel": json.dumps(contract, ensure_ascii=False)}
        # in C order: safetensors writes the memory as it lies, and would turn channels-last weights around
        ordered = {name: np.asarray(values, order="C") for name, values in weights.items()}
        draft.touch()
        rights = draft.stat().st_mode  # of any other file; safetensors makes one that only its owner may read
        save_file(ordered, draft, metadata=metadata)
        draft.chmod(rights)


def read_card(path: Path) -> ModelCard:
    """Read the contract alone. Raises ModelError where the file is no model of geolabel's."""
    text = _header(path).get("__metadata__")
    if not isinstance(text, dict) or not isinstance(text.get("geolabel"), str):
        raise ModelError(f"{path}: holds weights without geolabel's contract; give a file that geolabel train wrote")
    try:
        return card_from_json(checked.parse(text["geolabel"]).value)
    except DamagedError as error:
        raise ModelError(f"{path}: its contract is damaged ({error}); train or copy the model again") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def parameters_of(path: Path) -> int:
    """Numbers in the file, by its header alone. Raises ModelError where it promises more than the file holds."""
    arrays = {name: told for name, told in checked.Told(_header(path)).entries().items() if name != "__metadata__"}
    size = path.stat().st_size
    try:
        ends = [told["data_offsets"].items(2)[1].whole(least=0) for told in arrays.values()]
        shapes = [[side.whole(least=0) for side in told["shape"].items()] for told in arrays.values()]
    except DamagedError as error:
        raise ModelError(f"{path}: the weights are truncated or damaged ({error}); copy the file again") from error
    with path.open("rb") as stream:
        promised = 8 + int.from_bytes(stream.read(8), "little") + max(ends, default=0)
    if size < promised:
        raise ModelError(f"{path}: {size:,} of {promised:,} bytes are there; it is truncated, copy it again")
    return sum(math.prod(shape) for shape in shapes)


def read_model(path: Path) -> tuple[ModelCard, dict[str, NDArray[Any]]]:
    """Read contract and weights. Raises ModelError where the file is no model of geolabel's, or is truncated."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    card = read_card(path)
    try:
        return card, load_file(path)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:  # the last: types unknown here
        raise ModelError(f"{path}: the weights are truncated or damaged ({error}); copy the file again") from error


def _header(path: Path) -> dict[str, Any]:
    """The header of safetensors: eight bytes of length, then JSON. Nothing in it is run. Raises ModelError."""
    files.check_readable(path, "a model (model.safetensors)")
    with path.open("rb") as stream:
        start = stream.read(8)
        if start.startswith(_PICKLE_STARTS):
            raise ModelError(
                f"{path}: is a pickle (a .pt, .pth or .pkl file), which can run code when opened; geolabel reads only "
                "safetensors. Save its weights with safetensors.torch.save_file"
            )
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(_MAX_HEADER_BYTES, path.stat().st_size):  # noqa: PLR2004
            raise ModelError(f"{path}: is no safetensors file, or it is truncated; give a model.safetensors")
        try:
            return checked.parse(stream.read(length)).table()
        except DamagedError as error:
            raise ModelError(f"{path}: is no safetensors file, or it is damaged; give a model.safetensors") from error
