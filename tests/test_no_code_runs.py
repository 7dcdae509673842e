"""No file that geolabel reads can make it run code: what could is not in it, and where it is, it is tamed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "geolabel"
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
FORBIDDEN_MODULES = {"marshal", "shelve", "dill", "cloudpickle", "yaml", "pty", "xmlrpc", "imp", "telnetlib"}
FORBIDDEN_ATTRIBUTES = {
    ("joblib", "load"),
    ("os", "system"),
    ("os", "popen"),
    ("pickle", "load"),
    ("pickle", "loads"),
    ("pickle", "Unpickler"),
    ("pandas", "read_pickle"),
    ("tempfile", "mktemp"),
    ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"),
    ("asyncio", "create_subprocess_shell"),
}
UNPACKS = {"extract", "extractall", "unpack_archive"}


def _trees() -> list[tuple[str, ast.Module]]:
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.rglob("*.py"))
    ]


def _name(node: ast.expr) -> tuple[str, str]:
    """What is called: ("", name) or (what stands before the last dot, name)."""
    if isinstance(node, ast.Attribute):
        return (node.value.id if isinstance(node.value, ast.Name) else "?", node.attr)
    return ("", node.id if isinstance(node, ast.Name) else "?")


def _called(node: ast.Call) -> list[str]:
    found = []
    owner, name = _name(node.func)
    given = {word.arg: word.value for word in node.keywords}
    said = {key: value.value for key, value in given.items() if isinstance(value, ast.Constant)}
    if not owner and name in FORBIDDEN_CALLS:
        found.append(name)
    if name in UNPACKS:
        found.append(name)
    if said.get("allow_pickle") is True or ("allow_pickle" in given and "allow_pickle" not in said):
        found.append("allow_pickle")
    if (owner, name) == ("torch", "load") and said.get("weights_only") is not True:
        found.append("torch.load without weights_only")
    if owner == "subprocess" and ("shell" in given or not node.args or not isinstance(node.args[0], ast.List)):
        found.append("subprocess without a list")
    return found


def faults(tree: ast.Module) -> list[str]:
    """What in a module could run code that a file brings."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += _called(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [module for module in modules if module.partition(".")[0] in FORBIDDEN_MODULES]
            if isinstance(node, ast.ImportFrom) and node.module == "pickle":
                found += ["from pickle"]
        if isinstance(node, ast.Attribute) and _name(node) in FORBIDDEN_ATTRIBUTES:
            found.append(".".join(_name(node)))
    return found


def test_nothing_in_geolabel_runs_what_a_file_brings() -> None:
    trees = _trees()
    assert len(trees) > 100
    assert {name: faults(tree) for name, tree in trees if faults(tree)} == {}


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "import yaml",
        "from pickle import loads",
        "pickle.load(stream)",
        "os.system(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=some)",
        "subprocess.run(text)",
        "subprocess.run(words, shell=True)",
        "archive.extractall(folder)",
    ],
)
def test_the_check_sees_what_it_is_for(code: str) -> None:
    assert faults(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["torch.load(path, weights_only=True)", "np.load(path, allow_pickle=False)", "model.eval()"]
)
def test_and_leaves_alone_what_is_tame(code: str) -> None:
    assert not faults(ast.parse(code))
