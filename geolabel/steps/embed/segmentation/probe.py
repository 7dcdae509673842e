"""A probe on disk: arrays in safetensors without pickle, and what they need to be used on another raster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel import checked, files
from geolabel.errors import DamagedError, ModelError, SchemeError
from geolabel.learn.pixelwise import PIXEL_PROBES, restore_probe
from geolabel.learn.pixelwise.probe import MOST_CLASSES
from geolabel.maps import ClassStyle

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.learn.pixelwise import Probe, ProbeKind

NAME = "probe.safetensors"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeptProbe:
    """A probe with its classes, and the network whose features it reads."""

    probe: Probe
    kind: ProbeKind
    styles: tuple[ClassStyle, ...]
    """Of its classes, in order."""
    stride: int | None
    """Of tiles, where it reads the vectors of these; None: the trunk's maps."""
    features: int
    model: str
    """The model file's name."""
    fingerprint: str
    """Of the model file."""
    attribution: tuple[str, ...]

    def check(self, folder: Path, model: Path) -> None:
        """Raise ModelError where a model is not the one that the probe was fitted on."""
        if files.fingerprint(model) != self.fingerprint:
            raise ModelError(
                f"{folder}: its probe reads features of {self.model}, not of {model}; give that file with --model"
            )


def write_probe(folder: Path, kept: KeptProbe) -> None:
    """Write it into a folder."""
    from safetensors.numpy import save_file

    told = {
        "format": _FORMAT,
        "kind": kept.kind,
        "classes": files.to_json(kept.styles),
        "stride": kept.stride,
        "features": kept.features,
        "model": kept.model,
        "fingerprint": kept.fingerprint,
        "attribution": list(kept.attribution),
    }
    with files.new_file(folder / NAME, overwrite=True) as draft:
        draft.touch()
        rights = draft.stat().st_mode  # of any other file; safetensors makes one that only its owner may read
        save_file(kept.probe.to_arrays(), draft, metadata={"geolabel-probe": json.dumps(told, ensure_ascii=False)})
        draft.chmod(rights)


def read_probe(folder: Path) -> KeptProbe:
    """Read the probe of a folder that `embed segment` made. Raises InputError, ModelError."""
    from safetensors import SafetensorError, safe_open

    path = folder / NAME
    files.check_readable(path, "the probe of a folder that geolabel embed segment made")
    try:
        with safe_open(path, framework="numpy") as opened:
            told = checked.parse((opened.metadata() or {}).get("geolabel-probe", "null"))
            kind = _kind(told)
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
        styles = tuple(_style(entry) for entry in told["classes"].items(most=MOST_CLASSES))
        features, stride = told["features"].whole(least=1), told.get("stride")
        return KeptProbe(
            restore_probe(kind, arrays, [style.name for style in styles], features),
            kind,
            styles,
            None if stride is None else stride.whole(least=1),
            features,
            told["model"].text(),
            told["fingerprint"].text(),
            told["attribution"].texts(),
        )
    except (ModelError, SchemeError) as error:
        raise ModelError(f"{path}: {error}") from error
    except (DamagedError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: is no probe, or it is damaged ({error}); make it again, or copy it again") from error


def _kind(told: checked.Told) -> ProbeKind:
    if told["format"].value != _FORMAT:
        raise ModelError(f"format {told['format'].value!r:.40}, this geolabel reads {_FORMAT}; upgrade geolabel")
    return told["kind"].one_of(PIXEL_PROBES)


def _style(told: checked.Told) -> ClassStyle:
    name, title, color = (told[key].text() for key in ("name", "title", "color"))
    return ClassStyle(told["value"].whole(least=0), name, title, color)
