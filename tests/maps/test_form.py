"""The form of a sample as real QGIS opens it, fills it in and saves it."""

import json
import subprocess
from pathlib import Path

import pytest

from geolabel.steps.area.file import read_sample
from geolabel.steps.area.sample import sample_map
from tests.steps.area.maps_to_sample import chequered, write_map

PYTHON = "/usr/bin/python3"
ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8"}
SCRIPT = Path(__file__).with_name("fill_form_in_qgis.py")
ANSWERS = {"1": 'Mine "pit"', "2": "Forest & <wood>", "3": "none"}
YELLOW, ORANGE = "#ffd400", "#f28c1e"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("form")
    write_map(folder / "classes.tif", chequered())
    sample_map(folder, output=folder / "sample.gpkg", points=120, minimum=20)
    return folder / "sample.gpkg"


@pytest.fixture(scope="module")
def seen(sample):
    """What QGIS says about the form; three points are answered on the way."""
    if not Path(PYTHON).exists():
        pytest.skip(f"{PYTHON} is not here")
    probe = subprocess.run([PYTHON, "-c", "import qgis.gui"], env=ENVIRONMENT, capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"QGIS is not installed for {PYTHON}; apt install python3-qgis")
    done = subprocess.run(
        [PYTHON, SCRIPT, sample, json.dumps(ANSWERS)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_answer_is_chosen_from_the_titles(seen):
    reference = seen["widgets"]["reference"]
    assert reference["type"] == "ValueMap"
    # QGIS sorts them by the alphabet
    assert sorted(reference["offers"]) == sorted(["none", "Forest & <wood>", 'Mine "pit"'])
    assert reference["editable"]
    assert reference["title"] == "What is here?"
    assert seen["widgets"]["confidence"]["type"] == "ValueMap"
    assert sorted(seen["widgets"]["confidence"]["offers"]) == ["sure", "unsure"]
    assert seen["widgets"]["note"]["editable"]


def test_the_rest_is_only_looked_at(seen):
    assert not any(seen["widgets"][name]["editable"] for name in ("id", "lon", "lat", "easting", "northing"))
    assert seen["layout"] == ["id", "reference", "confidence", "note", "lon", "lat", "easting", "northing"]
    assert seen["hidden_columns"] == ["fid"]


def test_nothing_tells_what_the_map_shows(seen):
    assert seen["fields"] == ["fid", "id", "reference", "confidence", "note", "lon", "lat", "easting", "northing"]


def test_a_square_is_outlined_in_the_colour_of_its_answer(seen):
    assert seen["legend"] == [
        ["none", "none"],
        ["Forest & <wood>", "Forest & <wood>"],
        ['Mine "pit"', 'Mine "pit"'],
        ["", "not answered yet"],
    ]
    before, after = seen["before"], seen["after"]
    assert before[YELLOW] > 300
    assert ORANGE not in before
    assert after[ORANGE] > 300
    assert sum(before.values()) < 0.2 * 200 * 200  # what lies below is to be seen


def test_what_was_saved_is_read_back(seen, sample):
    read = read_sample(sample)
    answers = {str(number): name for number, name in zip(read.id, read.reference, strict=True) if name}
    assert answers == ANSWERS
    assert sorted(read.id[~read.sure].tolist()) == [1, 2, 3]
