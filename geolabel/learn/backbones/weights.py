"""Starting weights from a file: safetensors, npz, or torch's own, opened without running what is in it."""

from __future__ import annotations

import pickle
import tokenize
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel import files
from geolabel.errors import ModelError, listed
from geolabel.learn.backbones.fit import fit
from geolabel.learn.backbones.parts import head_parameters
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_STATES = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "network", "teacher", "student")
"""Where programs for training keep the weights within their checkpoints; running means first."""
_LEAST_SHARE = 0.5
_MOST_PACKED, _LEAST_UNPACKED = 10, 1 << 20
"""How many times smaller weights are packed; bytes of which nobody asks."""
_NO_ARRAYS = (
    *(
        ValueError,
        TypeError,
        OSError,
        EOFError,
        KeyError,
        AttributeError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError, SyntaxError),
)
"""What numpy raises of a damaged file; of an array that says to be larger than any memory, too."""


def load_weights(network: nn.Module, path: Path, bands: int) -> None:
    """Start a network that reads `bands` bands from a file. What does not fit (another head, say) starts anew.

    Raises InputError or ModelError where the file cannot be read, or holds less than half of the network's trunk.
    """
    found = read_weights(path)
    broken = [name for name, values in found.items() if values.is_floating_point() and not values.isfinite().all()]
    if broken:
        raise ModelError(f"--weights {path}: {listed(broken)} holds values that are no numbers; give another file")
    fitted = fit(network, found, bands)
    if not fitted.tensors:
        raise ModelError(
            f"--weights {path}: none of its {len(found)} tensors fits this network; choose its own --model"
        )
    if fitted.trunk_share < _LEAST_SHARE:
        raise ModelError(
            f"--weights {path}: holds only {fitted.trunk_share:.0%} of this network below its head; give the --model "
            "that the weights were made for"
        )
    network.load_state_dict(dict(fitted.tensors), strict=False)
    own = network.state_dict()
    log.info("%d of %d tensors loaded from %s", len(fitted.tensors), len(own), path)
    if fitted.bands_before is not None:
        log.info("weights for %d bands were adapted to %d", fitted.bands_before, bands)
    anew = [name for name in own if name not in fitted.tensors]
    if anew:
        head = "the head, " if set(head_parameters(network)) & set(anew) else ""
        log.info("not in the file, or of another shape: %s%s; they start anew", head, listed(anew, most=4))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, by name; its kind is told by its first bytes.

    Raises InputError where there is no file, ModelError where it is damaged, or holds objects that could run code.
    """
    files.check_readable(path, "weights (safetensors, npz, pt or pth)")
    with path.open("rb") as stream:
        start = stream.read(len(_ZIP))
    if start == _ZIP:
        _check_unpacked(path)
        return _read_npz(path) if _holds_arrays(path) else _read_torch(path)
    return _read_torch(path) if start.startswith(_PICKLE) else _read_safetensors(path)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"--weights {path}: is no safetensors, npz or torch file, or is damaged ({error}); copy it again"
        ) from error


def _check_unpacked(path: Path) -> None:
    """Raise ModelError where an archive would unpack to far more than weights can be packed."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ModelError(f"--weights {path}: is truncated or damaged ({error}); copy the file again") from error
    if unpacked > _LEAST_UNPACKED + path.stat().st_size * _MOST_PACKED:
        raise ModelError(
            f"--weights {path}: would unpack from {path.stat().st_size / 1e6:,.1f} to {unpacked / 1e6:,.0f} MB, which "
            "weights do not; save it again from where it comes"
        )


def _holds_arrays(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".npy") for name in archive.namelist())


def _read_npz(path: Path) -> dict[str, torch.Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.ascontiguousarray(arrays[name])) for name in arrays.files}
    except _NO_ARRAYS as error:
        raise ModelError(
            f"--weights {path}: is damaged, or holds arrays that are no numbers ({error}); save it again with "
            "numpy.savez, an array a weight"
        ) from error


def _read_torch(path: Path) -> dict[str, torch.Tensor]:
    """A state dict saved by torch, or a checkpoint around one. Only tensors and plain containers are let in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that it may not understand; it then says so
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"--weights {path}: holds Python objects beside its weights, which could run code when opened, or is "
            "damaged; where you trust it, save its state_dict() with safetensors.torch.save_file, and give that file"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ModelError(
            f"--weights {path}: torch cannot read it as weights ({str(error).partition('. ')[0]}); copy it again, or "
            "save its state_dict() with safetensors.torch.save_file"
        ) from error
    return _state(loaded, path)


def _state(loaded: Any, path: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint: those of a well-known entry, or else what is in it at the top."""
    places: list[Mapping[str, Any]] = []
    if isinstance(loaded, dict):
        places = [loaded[key] for key in _STATES if isinstance(loaded.get(key), dict)] + [loaded]
    for place in places:
        tensors = {name: value for name, value in place.items() if isinstance(value, torch.Tensor)}
        if tensors:
            return tensors
    raise ModelError(f"--weights {path}: holds no state dict; save network.state_dict() instead of what is in it")
