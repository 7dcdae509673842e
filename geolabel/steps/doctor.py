"""`geolabel doctor`: what this installation can do, and the cure for what it cannot."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

_ON_TORCH = ("timm", "lightning_fabric")
_NEEDED = (
    "scipy",
    "PIL",
    "tqdm",
    "lightning_fabric",
    "numba",
    "numpy",
    "rasterio",
    "pyogrio",
    "geopandas",
    "shapely",
    "pyarrow",
    "pyproj",
    "safetensors",
    "sklearn",
    "timm",
)
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "lightning_fabric": "lightning-fabric",
    "pytorch_metric_learning": "pytorch-metric-learning",
    "faiss": "faiss-cpu",
}
_OPTIONAL = {
    "tensorboard": "pip install 'geolabel[tensorboard]'",
    "cleanlab": "pip install 'geolabel[trust]'",
    "optuna": "pip install 'geolabel[tune]'",
    "openvino": "pip install 'geolabel[cpu]'",
    "distributed": "pip install 'geolabel[cluster]'",
    "pytorch_metric_learning": "pip install 'geolabel[metric]'",
    "faiss": "pip install 'geolabel[search]'",
    "captum": "pip install 'geolabel[explain]'",
}
_LOW_DISK_GB = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    state: Literal["ok", "note", "broken"]
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All things looked at."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken."""
        return all(finding.state != "broken" for finding in self.findings)


def doctor() -> DoctorReport:
    """Look at Python, the libraries, torch with torchvision, the device, cores, memory and disk."""
    findings = [Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    torch = _torch()
    # what is built on torchvision fails with it: one cure for all
    needed = [name for name in _NEEDED if torch.state == "ok" or name not in _ON_TORCH]
    findings += [torch, *(_library(name) for name in needed)]
    findings += [_optional(name, cure) for name, cure in _OPTIONAL.items()]
    findings += [_device(), _machine()]
    return DoctorReport(tuple(findings))


def _library(name: str) -> Finding:
    try:
        importlib.import_module(name)
        return Finding(name, "ok", version(_DISTRIBUTIONS.get(name, name)))
    except Exception as error:  # noqa: BLE001 - a broken library raises whatever it likes
        distribution = _DISTRIBUTIONS.get(name, name)
        return Finding(name, "broken", _short(error), f"{_pip()} install --force-reinstall {distribution}")


def _torch() -> Finding:
    """Torch and torchvision are built for each other; a pair that is not fails when torchvision is imported."""
    cure = f"{_pip()} uninstall -y torch torchvision && {_pip()} install torch torchvision"
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return Finding("torch", "broken", _short(error), cure)
    try:
        importlib.import_module("torchvision")
    except Exception as error:  # noqa: BLE001 - a mismatch raises RuntimeError, others whatever they like
        found = f"torch {version('torch')} and torchvision do not match: {_short(error)}"
        return Finding("torch", "broken", found, f"install both together, from one index: {cure}")
    return Finding("torch", "ok", f"{version('torch')} with torchvision {version('torchvision')}")


def _optional(name: str, cure: str) -> Finding:
    try:
        return Finding(name, "ok", version(_DISTRIBUTIONS.get(name, name)))
    except PackageNotFoundError:
        return Finding(name, "note", "not installed", cure)


def _device() -> Finding:
    try:
        import torch
    except (ImportError, OSError):
        return Finding("device", "broken", "torch cannot be imported")
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        return Finding("device", "ok", f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB")
    return Finding(
        "device", "note", f"no GPU: {os.cpu_count()} processor cores are used, {torch.get_num_threads()} threads"
    )


def _machine() -> Finding:
    free = shutil.disk_usage(Path(tempfile.gettempdir())).free / 1e9
    found = f"{os.cpu_count()} cores, {free:.0f} GB free in {tempfile.gettempdir()}"
    if free < _LOW_DISK_GB:
        return Finding("machine", "note", found, "set TMPDIR to a disk with more room")
    return Finding("machine", "ok", found)


def _pip() -> str:
    return f"{sys.executable} -m pip"


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
