"""The doctor names what is broken, and its cure."""

from __future__ import annotations

import importlib

import pytest

from geolabel.steps import doctor as room
from geolabel.steps.doctor import doctor


def test_this_installation_is_healthy():
    report = doctor()
    assert report.healthy, report
    assert {finding.name for finding in report.findings} >= {"python", "rasterio", "torch", "device", "machine"}


def test_a_torchvision_of_another_build_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch):
    real = importlib.import_module

    def broken(name: str):
        if name in ("torchvision", "timm"):  # timm imports torchvision, and fails with it
            raise RuntimeError("operator torchvision::nms does not exist")
        return real(name)

    monkeypatch.setattr(room.importlib, "import_module", broken)
    report = doctor()
    (finding,) = [finding for finding in report.findings if finding.name == "torch"]
    assert finding.state == "broken"
    assert "do not match" in finding.found
    assert "torchvision::nms" in finding.found
    assert "uninstall -y torch torchvision" in finding.cure
    assert "install torch torchvision" in finding.cure
    assert [finding.name for finding in report.findings if finding.state == "broken"] == ["torch"]
    assert not report.healthy


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch):
    real = importlib.import_module

    def broken(name: str):
        if name == "pyogrio":
            raise ImportError("No module named pyogrio")
        return real(name)

    monkeypatch.setattr(room.importlib, "import_module", broken)
    (finding,) = [finding for finding in doctor().findings if finding.name == "pyogrio"]
    assert finding.state == "broken"
    assert "install --force-reinstall pyogrio" in finding.cure


def test_training_with_a_broken_torchvision_points_at_the_doctor(monkeypatch: pytest.MonkeyPatch):
    import builtins

    from geolabel.errors import InstallError
    from geolabel.learn import backbones

    real = builtins.__import__

    def broken(name: str, *rest):
        if name == "timm":
            raise RuntimeError("operator torchvision::nms does not exist")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(InstallError, match="geolabel doctor"):
        backbones.build("resnet18", 3, 2)
