"""The machine that a benchmark ran on, without its name."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("geolabel", "torch", "torchvision", "timm", "numpy", "numba", "rasterio", "shapely", "pyogrio", "pyarrow"),
    *("scikit-learn", "openvino", "faiss-cpu", "pytorch-metric-learning"),
)


def machine() -> dict[str, str | int | float]:
    """Cores that this process may use, the processor's model, memory, and whether a GPU is there."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(memory, 1),
        "gpu": "yes" if Path("/dev/nvidia0").exists() else "none",
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Of Python, of the libraries that matter for speed, and of GDAL and GEOS within them."""
    import rasterio
    import shapely

    found = {
        "Python": platform.python_version(),
        "GDAL": rasterio.__gdal_version__,
        "GEOS": shapely.geos_version_string,
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
