"""What scripts/audit says and how it ends, with a pip-audit that is made up; constraints.txt is of exact versions."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BAD = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the script where pip-audit is as given, with a list of what is ignored."""

    def run(answer: str, *, ignored: str = "", code: int = 0, err: str = "") -> subprocess.CompletedProcess[str]:
        shutil.copy(ROOT / "scripts" / "audit", tmp_path / "audit")
        (tmp_path / "audit-ignored.txt").write_text(ignored)
        (tmp_path / "answer").write_text(answer)
        tool = tmp_path / "pip-audit"
        tool.write_text(
            f"#!{sys.executable}\nimport sys\nprint(open({str(tmp_path / 'answer')!r}).read())\n"
            f"print({err!r}, file=sys.stderr)\nsys.exit({code})\n"
        )
        tool.chmod(0o755)
        # sys.executable of the script has no pip-audit beside it
        (tmp_path / "python").symlink_to(sys.executable)
        return subprocess.run([tmp_path / "python", tmp_path / "audit"], capture_output=True, text=True, check=False)

    return run


def _of(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_fails(audit) -> None:
    done = audit(
        _of({"name": "a", "version": "1.0", "vulns": [BAD]}, {"name": "b", "version": "1", "vulns": []}), code=1
    )

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "a 1.0: PYSEC-1, mended in 2.0",
        "2 packages audited: 1 known vulnerabilities, 0 ignored",
    ]


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_one_that_is_ignored_for_a_reason_does_not(audit, name: str) -> None:
    done = audit(_of({"name": "a", "version": "1.0", "vulns": [BAD]}), code=1, ignored=f"# list\n{name} not reached\n")

    assert done.returncode == 0
    assert done.stdout == "1 packages audited: 0 known vulnerabilities, 1 ignored\n"


def test_one_that_is_ignored_for_none_is_told(audit) -> None:
    done = audit(_of(), ignored="PYSEC-1\n")

    assert done.returncode == 1
    assert "PYSEC-1 has no reason" in done.stderr


@pytest.mark.parametrize(
    ("answer", "err"),
    [
        (_of({"name": "a", "skip_reason": "Dependency not found on PyPI and could not be audited: a (1.0)"}), ""),
        ("", "requests.exceptions.ConnectionError: Max retries exceeded"),
    ],
)
def test_where_advisories_cannot_be_reached_it_says_so(audit, answer: str, err: str) -> None:
    done = audit(answer, err=err, code=1)

    assert (done.returncode, done.stdout) == (0, "not audited: advisories cannot be reached from here\n")


def test_a_tool_that_fails_otherwise_fails(audit) -> None:
    done = audit("no JSON", err="usage: pip-audit", code=2)

    assert done.returncode == 1
    assert "usage: pip-audit" in done.stderr


def test_constraints_are_exact_and_hold_all_that_is_asked_for() -> None:
    lines = [
        line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    pattern = re.compile(r"([a-z0-9-]+)==[0-9][0-9a-z.!]*(?: ; (?:python_version == \"3\.1[123]\"(?: or )?)+)?")
    found = [pattern.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["dev"], *extras["docs"], *extras["tensorboard"]]
    names = {re.split(r"[\[<>=!~ ]", each)[0].lower().replace("_", "-") for each in asked}
    assert names <= {match[1] for match in found if match}
