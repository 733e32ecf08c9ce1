"""Links resolve, examples run, and no file speaks of the machine that it was written on."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import PATIENCE, ROOT, environment, pages

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FOLDERS = (".ci", "benchmarks", "docs", "examples", "runner", "tests", "workloads")
_TEXT = {".py", ".md", ".toml", ".sh", ".c", ".json", ".html", ".cfg", ".ini", ".txt", ".yml", ".yaml", ""}
# In pieces, so that this file passes its own test.
_FORBIDDEN = re.compile(
    "|".join(
        (
            rf"(?<![\w.]){re.escape('/' + 'work/')}",
            rf"(?<![\w.]){re.escape('/' + 'root/')}",
            rf"(?<![\w.]){re.escape('/' + 'tmp/v')}\b",
            re.escape("pypi" + ".org"),
            re.escape("python" + "hosted.org"),
            re.escape("conda" + ".anaconda.org"),
            re.escape("deb." + "debian.org"),
            re.escape("npmjs" + ".org"),
        )
    )
)


def _links(page: Path) -> Iterator[str]:
    yield from (found["target"] for found in _LINK.finditer(page.read_text(encoding="utf-8")))


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for link in _links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target}"
        assert not anchor or anchor in _anchors(target), f"{link}: {target.name} has no such heading"


def _scripts() -> list[Path]:
    return sorted((ROOT / "examples").glob("[!t]*.py"))


def test_every_example_is_listed() -> None:
    links = set(_links(ROOT / "examples" / "README.md"))
    assert {path.name for path in (ROOT / "examples").glob("*.py")} <= links


@pytest.mark.process
@pytest.mark.parametrize("script", _scripts(), ids=lambda script: script.stem)
def test_an_example_runs(script: Path, nothing_left: Path) -> None:
    if script.stem.startswith("compile"):
        _needs_a_compiler()
    ran = _run(nothing_left, str(script))
    assert ran.returncode == 0, ran.stderr
    assert "graceful" in ran.stdout or "Stopped" in ran.stdout
    assert "not-graceful" not in ran.stdout, ran.stdout
    assert ran.stderr == ""


@pytest.mark.process
def test_the_example_tests_pass(nothing_left: Path) -> None:
    ran = _run(nothing_left, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "examples/test_my_training.py"))
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


def _needs_a_compiler() -> None:
    missing = [name for name in ("treelite", "tl2cgen") if importlib.util.find_spec(name) is None]
    if shutil.which("gcc") is None:
        missing.append("gcc")
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")


def _run(parent: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = parent / "empty"
    folder.mkdir()
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def _files() -> Iterator[Path]:
    yield from (path for path in ROOT.glob("*") if path.is_file())
    for folder in _FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_no_file_names_the_machine_it_was_written_on() -> None:
    found = []
    for path in _files():
        if path.suffix in _TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if forbidden := _FORBIDDEN.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {forbidden[0]}")
    assert not found
