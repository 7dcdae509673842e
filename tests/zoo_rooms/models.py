"""Models of the zoo: what is no model, what lies about itself, and what would run code or fill the memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_ROOM = "Models"
_MODEL = "m.safetensors"


class _Trap:
    """What a stranger's pickle would do when opened: a file named trap appears, which the zoo would notice."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trap",)


def _predict(model: str = _MODEL) -> Sequence[object]:
    return ("predict", "region.tif", "--model", model, "-o", "out")


def _content(den: Den, make: Callable[[], bytes], name: str = _MODEL) -> Sequence[object]:
    """A model file of some bytes."""
    den.take("region.tif")
    (den.folder / name).write_bytes(make())
    return _predict(name)


def _good(den: Den) -> Path:
    den.take("region.tif")
    return den.take("run/model.safetensors", _MODEL)


def _of_header(den: Den, change: Callable[[dict[str, Any]], Any]) -> Sequence[object]:
    """A model whose safetensors header is changed."""
    path = _good(den)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return _predict()


def _contract(den: Den, *path: Any, value: Any) -> Sequence[object]:
    """A model whose contract has another value at a place in it."""

    def change(header: dict[str, Any]) -> None:
        contract = inside = json.loads(header["__metadata__"]["geolabel"])
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value
        header["__metadata__"]["geolabel"] = json.dumps(contract)

    return _of_header(den, change)


def _weights(den: Den, change: Callable[[dict[str, np.ndarray]], Any]) -> Sequence[object]:
    """A model whose weights are changed."""
    path = _good(den)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    arrays = load_file(path)
    change(arrays)
    save_file(arrays, path, metadata=metadata)
    return _predict()


def _header_of(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _torch_file() -> bytes:
    stream = io.BytesIO()
    torch.save({"weight": torch.zeros(3), "more": _Trap()}, stream)
    return stream.getvalue()


def _some_classes(den: Den, names: list[str]) -> Sequence[object]:
    """A model that promises other classes than it was trained on."""

    def change(header: dict[str, Any]) -> None:
        contract = json.loads(header["__metadata__"]["geolabel"])
        contract["heads"] = [{"name": "classes", "kind": "sigmoid", "classes": names}]
        contract["thresholds"] = contract["presence"] = dict.fromkeys(names, 0.5)
        header["__metadata__"]["geolabel"] = json.dumps(contract)

    return _of_header(den, change)


def _renamed(den: Den, name: str) -> Sequence[object]:
    """A good model, of whose classes one has another name."""

    def change(header: dict[str, Any]) -> None:
        text = header["__metadata__"]["geolabel"]
        header["__metadata__"]["geolabel"] = text.replace('"bare"', json.dumps(name))

    return _of_header(den, change)


def _ensemble(den: Den, members: Any) -> Sequence[object]:
    """A model that says to be made of others."""

    def change(header: dict[str, Any]) -> None:
        contract = json.loads(header["__metadata__"]["geolabel"])
        itself = {**contract, "architecture": "ensemble"}
        contract |= {"architecture": "ensemble", "settings": {"combination": "mean"}}
        if members == "itself":
            contract["settings"]["members"] = [{**itself, "settings": {"members": []}}]
        elif members is not None:
            contract["settings"]["members"] = members
        header["__metadata__"]["geolabel"] = json.dumps(contract)

    return _of_header(den, change)


def _train(den: Den, make: Callable[[Path], object], name: str) -> Sequence[object]:
    """Weights to start a training from."""
    den.take("region.tif")
    den.take("tiles.parquet")
    make(den.folder / name)
    return ("train", "tiles.parquet", "--epochs", 1, "--weights", name, "-o", "run")


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (1 << 27,)})
        for _ in range(1 << 9):
            stream.write(bytes(1 << 20))


def _large_header(path: Path) -> None:
    """An array of two terabytes, as its header says; a few bytes follow."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("w.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (1 << 39,)})
        stream.write(bytes(64))


def _linked(den: Den) -> Sequence[object]:
    _good(den).rename(den.folder / "real.safetensors")
    (den.folder / _MODEL).symlink_to("real.safetensors")
    return _predict()


def _looped(den: Den) -> Sequence[object]:
    den.take("region.tif")
    (den.folder / _MODEL).symlink_to(_MODEL)
    return _predict()


def _embedder(den: Den) -> Sequence[object]:
    def change(header: dict[str, Any]) -> None:
        contract = json.loads(header["__metadata__"]["geolabel"])
        contract |= {"kind": "embedder", "heads": [], "settings": {"output_size": 4}}
        header["__metadata__"]["geolabel"] = json.dumps(contract)

    return _of_header(den, change)


_NONE = f"{_MODEL}: is no safetensors file, or it is truncated; give a model.safetensors"
_BROKEN = f"{_MODEL}: is no safetensors file, or it is damaged; give a model.safetensors"
_LIES = f"{_MODEL}: its contract is damaged ({{}}); train or copy the model again"
_CUT = f"{_MODEL}: the weights are truncated or damaged (…); copy the file again"
_MISFIT = (
    f"{_MODEL}: its weights do not fit the network small-cnn that its contract names; train or copy the model again"
)
_PICKLE = (
    "…: is a pickle (a .pt, .pth or .pkl file), which can run code when opened; geolabel reads only safetensors. Save "
    "its weights with safetensors.torch.save_file"
)
_NO_ARRAYS = (
    "--weights w.npz: is damaged, or holds arrays that are no numbers (…); save it again with numpy.savez, an array a "
    "weight"
)
_DEEP = b'{"a":' * 100_000


def _other_shape(arrays: dict[str, np.ndarray]) -> None:
    name = max(arrays, key=lambda key: arrays[key].size)
    arrays[name] = arrays[name][:-1].copy()


def _no_numbers(arrays: dict[str, np.ndarray]) -> None:
    name = max(arrays, key=lambda key: arrays[key].size)
    arrays[name] = np.full_like(arrays[name], np.nan)


def _overlap(header: dict[str, Any]) -> None:
    first, second = [name for name in header if name != "__metadata__"][:2]
    header[second]["data_offsets"] = header[first]["data_offsets"]
    header[second]["shape"], header[second]["dtype"] = header[first]["shape"], header[first]["dtype"]


def _without_offsets(header: dict[str, Any]) -> None:
    del next(entry for name, entry in header.items() if name != "__metadata__")["data_offsets"]


ANIMALS = (
    Animal(
        _ROOM,
        "a pickle that would run code",
        lambda den: _content(den, lambda: pickle.dumps(_Trap()), "m.pkl"),
        _PICKLE.replace("…", "m.pkl"),
    ),
    Animal(
        _ROOM,
        "a file of torch's with code in it, as --model",
        lambda den: _content(den, _torch_file, "m.pt"),
        _PICKLE.replace("…", "m.pt"),
    ),
    Animal(
        _ROOM,
        "a file of torch's with code in it, as --weights",
        lambda den: _train(den, lambda path: path.write_bytes(_torch_file()), "w.pt"),
        "--weights w.pt: holds Python objects beside its weights, which could run code when opened, or is damaged; "
        "where you trust it, save its state_dict() with safetensors.torch.save_file, and give that file",
    ),
    Animal(_ROOM, "an ONNX file", lambda den: _content(den, lambda: b"\x08\x07\x12\x07pytorch" * 9), _NONE),
    Animal(_ROOM, "an HTML page instead of a model", lambda den: _content(den, lambda: b"<!DOCTYPE html>" * 9), _NONE),
    Animal(
        _ROOM,
        "a header of 10 GB, the file says",
        lambda den: _content(den, lambda: struct.pack("<Q", 10**10) + b"{}" * 99),
        _NONE,
    ),
    Animal(
        _ROOM,
        "a header longer than the file",
        lambda den: _content(den, lambda: struct.pack("<Q", 5000) + b'{"a":1}'),
        _NONE,
    ),
    Animal(
        _ROOM, "a header that is not JSON", lambda den: _content(den, lambda: _header_of(b"{never closed")), _BROKEN
    ),
    Animal(
        _ROOM,
        "a header that is not UTF-8",
        lambda den: _content(den, lambda: _header_of('{"é": 1}'.encode("latin-1"))),
        _BROKEN,
    ),
    Animal(_ROOM, "a header nested 100,000 deep", lambda den: _content(den, lambda: _header_of(_DEEP)), _BROKEN),
    Animal(
        _ROOM,
        "a header nested deeper than geolabel's own",
        lambda den: _content(den, lambda: _header_of(b'{"a":' + b"[" * 90 + b"]" * 90 + b"}")),
        _BROKEN,
    ),
    Animal(
        _ROOM,
        "weights without a contract",
        lambda den: _of_header(den, lambda header: header.pop("__metadata__")),
        f"{_MODEL}: holds weights without geolabel's contract; give a file that geolabel train wrote",
    ),
    Animal(_ROOM, "two weights in the same bytes", lambda den: _of_header(den, _overlap), _CUT),
    Animal(_ROOM, "weights without a place in the file", lambda den: _of_header(den, _without_offsets), _CUT),
    Animal(
        _ROOM,
        "a link to a model",
        _linked,
        "the model it leads to is used",
        makes=("out",),
    ),
    Animal(_ROOM, "a link to itself", _looped, f"{_MODEL}: no such file; a model (model.safetensors) was expected"),
    Animal(_ROOM, "weights of another shape", lambda den: _weights(den, _other_shape), _MISFIT),
    Animal(
        _ROOM,
        "weights that are no numbers",
        lambda den: _weights(den, _no_numbers),
        f"{_MODEL}: its weights hold values that are no numbers; train or copy the model again",
    ),
    Animal(
        _ROOM, "weights of which one is missing", lambda den: _weights(den, lambda arrays: arrays.popitem()), _MISFIT
    ),
    Animal(
        _ROOM,
        "weights that nobody asked for",
        lambda den: _weights(den, lambda arrays: arrays.update(extra=np.zeros(3, np.float32))),
        _MISFIT,
    ),
    Animal(_ROOM, "more classes than outputs", lambda den: _some_classes(den, ["a", "b", "c"]), _MISFIT),
    Animal(_ROOM, "fewer classes than outputs", lambda den: _some_classes(den, ["bare"]), _MISFIT),
    Animal(
        _ROOM,
        "a million classes",
        lambda den: _some_classes(den, [f"c{number}" for number in range(1_000_000)]),
        _LIES.format("'heads[0].classes' must be a list of 253 at the most, got a list of 1000000"),
        slow=True,
    ),
    Animal(
        _ROOM,
        "thresholds of other classes than its own",
        lambda den: _contract(den, "thresholds", value={"unicorn": 0.5}),
        f"{_MODEL}: no thresholds for bare, forest",
    ),
    Animal(
        _ROOM,
        "a threshold that is no number",
        lambda den: _contract(den, "thresholds", "bare", value=float("nan")),
        _LIES.format("'thresholds.bare' must be a number at least 0, 1 at the most, got nan"),
    ),
    Animal(
        _ROOM,
        "a threshold of 2",
        lambda den: _contract(den, "thresholds", "bare", value=2),
        _LIES.format("'thresholds.bare' must be a number at least 0, 1 at the most, got 2"),
    ),
    Animal(
        _ROOM,
        "an unknown network",
        lambda den: _contract(den, "architecture", value="__import__('os')"),
        f"{_MODEL}: its contract names a network that cannot be built: __import__('os'): no such network; …",
    ),
    Animal(
        _ROOM,
        "a network that is a path",
        lambda den: _contract(den, "architecture", value="../../etc/passwd"),
        f"{_MODEL}: its contract names a network that cannot be built: ../../etc/passwd: no such network; …",
    ),
    Animal(
        _ROOM,
        "a network from a server",
        lambda den: _contract(den, "architecture", value="hf-hub:somebody/model"),
        f"{_MODEL}: its contract names a network that cannot be built: hf-hub:somebody/model: no such network; …",
    ),
    Animal(
        _ROOM,
        "a network of gigabytes in a file of kilobytes",
        lambda den: _contract(den, "architecture", value="vit_giant_patch14_224"),
        _MISFIT.replace("small-cnn", "vit_giant_patch14_224"),
    ),
    Animal(
        _ROOM,
        "tiles of no pixels",
        lambda den: _contract(den, "tile_px", value=[0, 16]),
        _LIES.format("'tile_px[0]' must be a whole number at least 1, 4096 at the most, got 0"),
    ),
    Animal(
        _ROOM,
        "tiles of a billion pixels a side",
        lambda den: _contract(den, "tile_px", value=[10**9, 10**9]),
        _LIES.format("'tile_px[0]' must be a whole number at least 1, 4096 at the most, got 1000000000"),
    ),
    Animal(
        _ROOM,
        "a band without a spread",
        lambda den: _contract(den, "bands", 1, "std", value=0),
        _LIES.format("'bands[1].std' must be a number above 0, got 0"),
    ),
    Animal(
        _ROOM,
        "a negative GSD",
        lambda den: _contract(den, "gsd_m", value=-10),
        _LIES.format("'gsd_m' must be a number above 0, got -10"),
    ),
    Animal(
        _ROOM,
        "a number without end",
        lambda den: _contract(den, "bands", 0, "mean", value=10**400),
        _LIES.format("'bands[0].mean' must be a number, got a number without end"),
    ),
    Animal(
        _ROOM,
        "a model of a later geolabel",
        lambda den: _contract(den, "format", value=2),
        f"{_MODEL}: format 2, this geolabel reads 1; upgrade geolabel",
    ),
    Animal(
        _ROOM,
        "a kind of model that nobody knows",
        lambda den: _contract(den, "kind", value="oracle"),
        f"{_MODEL}: kind 'oracle' is neither classifier nor embedder; upgrade geolabel",
    ),
    Animal(
        _ROOM,
        "a model of embeddings, to predict with",
        _embedder,
        f"{_MODEL}: gives embeddings, no classes; use it with geolabel embed, or give a model of geolabel train",
    ),
    Animal(
        _ROOM,
        "a class with a line break in its name",
        lambda den: _renamed(den, "bare\nsoil"),
        f"{_MODEL}: a class needs a name of 1 to 200 characters without line breaks, got 'bare\\nsoil'",
    ),
    Animal(
        _ROOM,
        "a class with a name of 10,000 letters",
        lambda den: _renamed(den, "x" * 10_000),
        f"{_MODEL}: a class needs a name of 1 to 200 characters without line breaks, got 'xxxx…",
    ),
    Animal(
        _ROOM,
        "a class with half a character in its name",
        lambda den: _renamed(den, "\ud800"),
        _LIES.format("'\\ud800' is no text that can be written"),
    ),
    Animal(
        _ROOM,
        "a class named like a program for browsers",
        lambda den: _renamed(den, "<script>alert(1)</script>"),
        "it is a name like any other; pages show it as text",
        makes=("out",),
    ),
    Animal(
        _ROOM,
        "a class named like a path",
        lambda den: _renamed(den, "../../bare"),
        "it is a name like any other; no file is named by it",
        makes=("out",),
    ),
    Animal(
        _ROOM,
        "a calibration that is none",
        lambda den: _contract(den, "calibration", value={"method": "prayer", "maps": [], "exclusive": []}),
        f"{_MODEL}: the model's calibration is damaged (…); train or copy the model again",
    ),
    Animal(
        _ROOM,
        "an ensemble without members",
        lambda den: _ensemble(den, None),
        f"{_MODEL}: the contracts of the ensemble's members are damaged (…)…",
    ),
    Animal(
        _ROOM,
        "an ensemble that is its own member",
        lambda den: _ensemble(den, "itself"),
        f"{_MODEL}: member 0 is an ensemble itself; combine its members instead",
    ),
    Animal(
        _ROOM,
        "weights that unpack to 500 MB from 500 kB",
        lambda den: _train(den, _bomb, "w.npz"),
        "--weights w.npz: would unpack from 0.5 to 537 MB, which weights do not; save it again from where it comes",
    ),
    Animal(
        _ROOM,
        "weights of two terabytes, the file says",
        lambda den: _train(den, _large_header, "w.npz"),
        _NO_ARRAYS,
    ),
    Animal(
        _ROOM,
        "weights that are Python objects",
        lambda den: _train(den, lambda path: np.savez(path, w=np.array([_Trap()], object)), "w.npz"),
        _NO_ARRAYS,
    ),
    Animal(
        _ROOM,
        "weights of another network",
        lambda den: _train(den, lambda path: save_file({"a": np.zeros((3, 3), np.float32)}, path), "w.safetensors"),
        "--weights w.safetensors: none of its 1 tensors fits this network; choose its own --model",
    ),
)
