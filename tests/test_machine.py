"""A machine that jobs cannot run on is refused before anything is started or stored."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner import Runner
from runner.api.serving import serve
from runner.errors import UnsupportedPlatform


def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for begin in (Runner, serve):
        with pytest.raises(UnsupportedPlatform, match="this machine is darwin: jobs need the Linux kernel"):
            begin(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("release", "refused"), [("5.3.18-generic", True), ("4.19.0", True), ("5.4.0", False)])
def test_an_old_kernel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, refused: bool) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=release, machine="x86_64"))
    if refused:
        with pytest.raises(UnsupportedPlatform, match=rf"has Linux {release}: jobs need 5\.4"):
            Runner(tmp_path / "data")
        assert list(tmp_path.iterdir()) == []
    else:
        Runner(tmp_path / "data").close()
