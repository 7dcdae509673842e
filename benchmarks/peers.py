"""Makes the environments of what geolabel is compared with, from the package index: python benchmarks/peers.py.

TorchGeo and Raster Vision, geopandas and exactextract have an environment each; OpenCV is put into a folder that only
benchmarks/haze.py looks into, beside the libraries that geolabel uses. What is there is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

from labels_run import run

OPENCV = Path(__file__).parent / "out" / "opencv"


def main() -> None:
    """One after the other."""
    import labels
    import predict_plan

    for name, make in (("labels", labels.peers_python), ("predict", predict_plan.peers_python)):
        print(f"peers of {name}: {make()}", flush=True)
    if not (OPENCV / "cv2").is_dir():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        run([*pip, "--target", OPENCV, "opencv-contrib-python-headless"])
    print(f"OpenCV: {OPENCV}")


if __name__ == "__main__":
    main()
