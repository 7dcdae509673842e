"""The page of claims: what holds, what is told where nothing was measured, and that page, results and README agree."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.claims.claim import Benchmark, Claim
from benchmarks.claims.figures import WRITTEN, plain
from benchmarks.claims.page import PAGE, anchor, page, verdicts
from benchmarks.claims.record import DONE, Figure, Record, load
from benchmarks.claims.registry import BENCHMARKS
from benchmarks.claims.run import run

ROOT = Path(__file__).parents[1]
README = (
    ("keeps up with the network's forward passes as people usually write them", "prediction", "256 px, the limit"),
    ("99 of 100 tiles are within .25 % of exact geometry", "labels", "osm, p99 error"),
)
"""What the README says was measured, in its order: words, benchmark, result."""
MACHINE = {"cores": 2, "processor": "a processor", "memory_gib": 23.5, "gpu": "none", "system": "Linux x86_64"}
CLAIM = Claim("speed", "how fast", "×", at_least=2.0, beside="a peer")
ONE = Benchmark("one", "One", ("one.py",), 60, "About it.", (CLAIM,))


def record(*turns: float, outcome: str = DONE, why: str = "") -> Record:
    return Record(
        name="one",
        command="python benchmarks/one.py",
        date="2026-11-21",
        outcome=outcome,
        seconds=12.0,
        processor_s=10.0,
        load=(0.1, 0.2),
        machine=MACHINE,
        versions={"Python": "3.11.7"},
        figures=(Figure("speed", turns, why),),
    )


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_promise_is_held_on_its_side(value, limit):
    assert replace(CLAIM, at_least=limit).held(value) == (value >= limit)
    assert replace(CLAIM, at_least=None, at_most=limit).held(value) == (value <= limit)
    assert replace(CLAIM, at_least=None).held(value) is None


def test_a_promise_has_one_end():
    with pytest.raises(ValueError, match="one end"):
        Claim("speed", "how fast", "×", at_least=1, at_most=2)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.95, ".95"), (-0.05, "-.05"), (1, "1.00"), (12.34, "12.3"), (1044.4, "1,044"), (1e-8, "1.0e-08"), (0, ".00")],
)
def test_figures_as_the_documentation_writes_them(value, text):
    assert plain(value) == text


@given(st.floats(0.01, 1e5))
def test_a_figure_keeps_two_digits(value):
    assert math.isclose(float(plain(value).replace(",", "")), value, rel_tol=0.5 if value < 0.1 else 0.05)


@pytest.mark.parametrize(
    ("turns", "word", "measured"), [((3.0, 1.0, 2.5), "held", "2.50 ×"), ((1.9, 1.0, 2.5), "**missed**", "1.90 ×")]
)
def test_the_median_decides(turns, word, measured):
    text = page([ONE], {"one": record(*turns)})
    assert ("- [One](#one): how fast, beside a peer: 1.90 ×, asked for at least 2.00 ×" in text) == ("missed" in word)
    assert f"| how fast | {measured} | 1.00 × – {max(turns):.2f} × | at least 2.00 × | a peer | {word} |" in text


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (None, "has not run"),
        (record(outcome="out of time after 60 s"), "out of time after 60 s"),
        (record(why="peer not installed"), "peer not installed"),
        (replace(record(), figures=()), "gave no such figure"),
    ],
)
def test_what_was_not_measured_is_told_with_its_reason(kept, why):
    text = page([ONE], {} if kept is None else {"one": kept})
    assert "0 aims are held, 0 missed, 1 not measured" in text
    assert f"- [One](#one), 1 figure of `one.py`: {why}" in text
    assert f"| how fast |  | {why} | at least 2.00 × | a peer | *not measured* |" in text


def test_a_busy_machine_is_told():
    assert "busy otherwise" not in page([ONE], {"one": record(3.0)})
    assert "busy otherwise" in page([ONE], {"one": replace(record(3.0), load=(4.0, 4.0))})


def test_records_come_back(tmp_path):
    kept = record(1.0, 2.0)
    kept.save(tmp_path)
    assert load("one", tmp_path) == kept
    assert load("other", tmp_path) is None


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("import sys; sys.exit('no such peer')", "failed: no such peer"),
        ("raise ValueError('broken')", "failed: ValueError: broken"),
        ("import time; time.sleep(60)", "out of time after 1 s"),
        ("pass", "failed: it gave no figures"),
    ],
)
def test_a_benchmark_that_fails_is_recorded(program, outcome, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.claims.run.BENCHMARKS", tmp_path)
    (tmp_path / "one.py").write_text(program)
    assert run(replace(ONE, limit_s=1 if "sleep" in program else 60), 60).outcome == outcome


def test_one_that_has_no_data_or_no_time_does_not_begin():
    assert run(replace(ONE, data=("no-such-data",)), 60).outcome == "no data here: no-such-data"
    assert run(ONE, 0).outcome == "not run: the time for all benchmarks was over"


def test_every_benchmark_names_a_script_and_each_claim_once():
    names = [one.name for one in BENCHMARKS]
    assert len(set(names)) == len(names)
    for one in BENCHMARKS:
        assert (ROOT / "benchmarks" / one.command[0]).is_file()
        results = [claim.result for claim in one.claims]
        assert len(set(results)) == len(results)
        assert {claim.unit for claim in one.claims} <= set(WRITTEN)


def test_what_was_measured_has_the_figures_that_are_claimed():
    for one in BENCHMARKS:
        kept = load(one.name)
        if kept is not None and kept.outcome == DONE:
            assert not [verdict.why for verdict in verdicts(one, kept) if verdict.why == "gave no such figure"]


def test_the_page_is_that_of_the_results():
    records = {one.name: kept for one in BENCHMARKS if (kept := load(one.name)) is not None}
    assert PAGE.read_text(encoding="utf-8") == page(BENCHMARKS, records), "run python -m benchmarks.claims page"


def test_links_to_benchmarks_and_studies_lead_somewhere():
    anchors = {
        name: {
            "-".join(re.sub(r"[^\w\- ]", "", line.lstrip("# ")).lower().split())
            for line in (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        }
        for name in ("benchmarks.md", "studies.md")
    }
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for path in pages:
        for name, part in re.findall(r"(benchmarks\.md|studies\.md)#([\w-]+)", path.read_text(encoding="utf-8")):
            assert part in anchors[name], f"{path.name}: {name}#{part}"


def test_what_the_readme_says_was_measured_is_on_the_page_and_held():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    kept = text.partition("## What it holds to")[2].partition("\n## ")[0]
    told = [
        *(part for part in text.partition("## What it holds to")[0].split("\n\n") if "[measured]" in part),
        *(line for line in re.split(r"\n- ", kept) if "[measured]" in line or re.search(r"\d (?:×|%|px|MB)", line)),
    ]
    assert len(told) == len(README)
    for line, (words, name, result) in zip(told, README, strict=True):
        assert words in " ".join(line.split())
        benchmark = next(one for one in BENCHMARKS if one.name == name)
        assert f"[measured](docs/benchmarks.md#{anchor(benchmark.section)})" in line
        claim = next(claim for claim in benchmark.claims if claim.result == result)
        record = load(name)
        figure = record.figure(result) if record else None
        assert figure is not None
        assert figure.median is not None
        assert claim.held(figure.median), f"the README says {words!r}, measured was {figure.median}"


def test_the_command_line_says_whether_the_page_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.claims", "page", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "docs/benchmarks.md is up to date")
