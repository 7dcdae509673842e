"""The model file: what is written is read; what is none is refused, and nothing in it is ever run."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import safe_open
from safetensors.numpy import save_file

from geolabel.errors import InputError, ModelError, OutputError
from geolabel.model import BandContract, Head, ModelCard, read_card, read_model, write_model

CARD = ModelCard(
    architecture="small-cnn",
    heads=(Head("labels", "sigmoid", ("forest", "mine")), Head("use", "softmax", ("crop", "town"))),
    scheme={"name": "s", "classes": [{"name": "forest"}]},
    bands=(BandContract("red", 1e-4, 0.0, 0.1, 0.02), BandContract("nir", 1e-4, -0.1, 0.3, 0.05)),
    dtype="uint16",
    gsd_m=10.0,
    tile_px=(48, 64),
    presence={"forest": 0.1, "mine": 0.05, "crop": 0.1, "town": 0.1},
    thresholds={"forest": 0.5, "mine": 0.3, "crop": 0.5, "town": 0.5},
    calibration={"mine": [1.0, 0.0]},
    trained_on={"tiles": 812},
    scores={"macro_f1": 0.8},
    licence="MIT",
    attribution=("© OpenStreetMap contributors",),
)
WEIGHTS = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bias": np.zeros(2, dtype=np.float16)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "model.safetensors"
    write_model(found, CARD, WEIGHTS)
    return found


def header(path: Path) -> dict:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length])


def with_header(path: Path, change) -> Path:
    """The file again, its header changed."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    value = json.loads(content[8 : 8 + length])
    change(value)
    text = json.dumps(value).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return path


def with_contract(path: Path, **changes) -> Path:
    def change(value: dict) -> None:
        contract = json.loads(value["__metadata__"]["geolabel"]) | changes
        value["__metadata__"]["geolabel"] = json.dumps(contract)

    return with_header(path, change)


def test_what_is_written_is_read(path: Path) -> None:
    card, weights = read_model(path)
    assert card == CARD == read_card(path)
    assert set(weights) == set(WEIGHTS)
    for name, values in WEIGHTS.items():
        np.testing.assert_array_equal(weights[name], values)
        assert weights[name].dtype == values.dtype
    assert card.classes == ("forest", "mine", "crop", "town")


def test_safetensors_itself_reads_it(path: Path) -> None:
    with safe_open(path, "numpy") as file:
        assert set(file.keys()) == set(WEIGHTS)
        assert json.loads(file.metadata()["geolabel"])["bands"][1]["name"] == "nir"


@given(arrays(st.sampled_from([np.float32, np.int64]), array_shapes(max_dims=3, max_side=4)), st.booleans())
def test_weights_in_any_memory_order(tmp_path_factory, values: np.ndarray, turned: bool) -> None:
    path = tmp_path_factory.mktemp("model") / "a.safetensors"
    stored = values.T if turned else values
    write_model(path, CARD, {"w": stored})
    np.testing.assert_array_equal(read_model(path)[1]["w"], stored)


def test_what_the_training_did_not_know_is_none(tmp_path: Path) -> None:
    card = replace(CARD, gsd_m=None, scores={"auc": float("nan")}, calibration=None)
    write_model(tmp_path / "a.safetensors", card, WEIGHTS)
    read = read_card(tmp_path / "a.safetensors")
    assert (read.gsd_m, read.scores, read.calibration) == (None, {"auc": None}, None)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trap.txt"),))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_unopened_with_advice(tmp_path: Path, monkeypatch, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.pt").write_bytes(pickle.dumps({"state": Trap()}, protocol))
    for read in (read_card, read_model):
        with pytest.raises(ModelError, match=r"m\.pt: .*safetensors") as raised:
            read(tmp_path / "m.pt")
        if protocol >= 2:
            assert "is a pickle" in str(raised.value)
            assert "safetensors.torch.save_file" in str(raised.value)
    assert not (tmp_path / "trap.txt").exists()


def test_a_torch_file_is_refused_with_advice(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "m.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    with pytest.raises(ModelError, match=r"m\.pth: is a pickle .*can run code.*save_file"):
        read_card(tmp_path / "m.pth")


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.safetensors: "):
        read_model(path)


def test_a_header_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 100_000) + b"[" * 100_000)
    with pytest.raises(ModelError, match=r"m\.safetensors: "):
        read_card(path)


@given(st.binary(max_size=60) | st.sampled_from([b"null", b"[]", b"7", b'"a"', b'{"__metadata__":7}']))
def test_random_headers_are_refused(tmp_path_factory, text: bytes) -> None:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelError, match=r"m\.safetensors: "):
        read_model(path)


def test_every_truncation_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in range(1, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match=r"model\.safetensors: .*(truncated|damaged)"):
            read_model(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    with pytest.raises(ModelError, match="no safetensors file, or it is truncated; give a model.safetensors"):
        read_card(path)


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"m\.safetensors: no such file; a model \(model\.safetensors\) was expected"):
        read_card(tmp_path / "m.safetensors")
    (tmp_path / "m.safetensors").touch()
    with pytest.raises(InputError, match=r"m\.safetensors: the file is empty"):
        read_card(tmp_path / "m.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_weights_without_a_contract_are_refused(tmp_path: Path, metadata) -> None:
    save_file(WEIGHTS, tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(
        ModelError, match=r"m\.safetensors: holds weights without geolabel's contract; .*geolabel train"
    ):
        read_model(tmp_path / "m.safetensors")


def test_a_later_format_is_refused(path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.safetensors: format 2, this geolabel reads 1; upgrade geolabel"):
        read_card(with_contract(path, format=2))


@pytest.mark.parametrize(
    "lie",
    [
        {"heads": []},
        {"heads": [{"name": "a", "kind": "tanh", "classes": ["forest"]}]},
        {"heads": [{"name": "a", "kind": "sigmoid", "classes": []}]},
        {"heads": [{"name": "a", "kind": "sigmoid", "classes": ["forest", "forest"]}]},
        {"heads": ["forest"]},
        {"heads": 7},
        {"bands": []},
        {"bands": [{"name": "red"}]},
        {"bands": [{"name": "red", "scale": 1, "offset": 0, "mean": 0, "std": 0}]},
        {"bands": [{"name": "red", "scale": 1, "offset": 0, "mean": None, "std": 1}]},
        {"bands": [{"name": "red", "scale": "one", "offset": 0, "mean": 0, "std": 1}]},
        {"bands": [{"name": "red", "scale": 1, "offset": 0, "mean": 0, "std": 1}] * 2},
        {"tile_px": [0, 48]},
        {"tile_px": [48]},
        {"tile_px": 48},
        {"thresholds": {"forest": 0.5}},
        {"thresholds": ["forest", "mine", "crop", "town"]},
        {"thresholds": {"forest": "high", "mine": 0.5, "crop": 0.5, "town": 0.5}},
        {"thresholds": None},
        {"gsd_m": "ten"},
        {"gsd_m": -10},
        {"presence": None},
        {"attribution": None},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_contract_that_lies_is_refused(path: Path, lie: dict) -> None:
    with pytest.raises(ModelError, match=r"model\.safetensors: "):
        read_card(with_contract(path, **lie))


def test_a_contract_that_lacks_a_field_is_refused(path: Path) -> None:
    contract = json.loads(header(path)["__metadata__"]["geolabel"])
    for name in ("heads", "bands", "tile_px", "format", "thresholds", "architecture", "dtype", "attribution"):
        less = json.dumps({key: value for key, value in contract.items() if key != name})

        def change(value: dict, less: str = less) -> None:
            value["__metadata__"]["geolabel"] = less

        kept = path.read_bytes()
        with pytest.raises(ModelError, match=r"model\.safetensors: its contract is damaged .*copy the model again"):
            read_card(with_header(path, change))
        path.write_bytes(kept)


def test_weights_that_lie_about_their_shape_are_refused(path: Path) -> None:
    def change(value: dict) -> None:
        value["bias"]["shape"] = [1_000_000]

    with pytest.raises(ModelError, match=r"model\.safetensors: the weights are truncated or damaged .*copy the file"):
        read_model(with_header(path, change))


def test_a_full_disk_is_named_and_keeps_the_old_model(small_disk: Path) -> None:
    path = small_disk / "m.safetensors"
    write_model(path, CARD, WEIGHTS)
    with pytest.raises(OutputError, match=r"m\.safetensors: the disk is full; free some space"):
        write_model(path, CARD, {"w": np.zeros(1 << 20, dtype=np.float32)})
    assert read_card(path) == CARD
    assert [entry.name for entry in small_disk.iterdir()] == ["m.safetensors"]


def test_a_model_may_be_read_by_whom_any_other_file_may(tmp_path: Path):
    (tmp_path / "other").touch()
    write_model(tmp_path / "m.safetensors", CARD, {"w": np.zeros(3, np.float32)})
    assert (tmp_path / "m.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
