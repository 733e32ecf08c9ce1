"""Headless Chromium: what a page looks like, and what it measures. Each start takes seconds."""

from __future__ import annotations

import html
import json
import os
import shutil
import signal
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 90.0
"""Seconds that one start may take."""
Scheme = Literal["light", "dark"]

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--force-device-scale-factor=1"),
)
_SCHEMES = {"dark": 0, "light": 1}


class Frame(NamedTuple):
    """A page in a window of a size of its own, inside another page."""

    source: str
    width: int
    height: int = 800


def shoot(
    page: Path, picture: Path, width: int, height: int, scheme: Scheme, variables: dict[str, str] | None = None
) -> None:
    """A screenshot of a file, as PNG."""
    chosen = f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}"
    _run(f"--window-size={width},{height}", chosen, f"--screenshot={picture}", page.as_uri(), variables=variables)
    assert picture.exists(), "Chromium made no screenshot"


def measure(frames: Sequence[Frame], script: str, folder: Path, variables: dict[str, str] | None = None) -> list[Any]:
    """What a function of JavaScript, from a window to JSON, returns for each frame."""
    page = folder / "measure.html"
    # The script belongs to the page around the frames: those have none, and may have none.
    code = f"""
    addEventListener("load", () => {{
      const measured = [...document.querySelectorAll("iframe")].map(frame => ({script})(frame.contentWindow));
      document.body.textContent = JSON.stringify(measured);
    }});"""
    page.write_text(f"{framed(frames)}<script>{code}</script>", encoding="utf-8")
    dumped = _run("--dump-dom", page.as_uri(), variables=variables)
    body = dumped.partition("<body>")[2].partition("</body>")[0]
    found: list[Any] = json.loads(html.unescape(body))
    return found


def framed(frames: Sequence[Frame]) -> str:
    """A page that shows others side by side."""
    boxes = (
        f'<iframe srcdoc="{html.escape(one.source)}" width="{one.width}" height="{one.height}"></iframe>'
        for one in frames
    )
    style = "html { color-scheme: light dark } body { margin: 0; display: flex } iframe { border: 0; flex: none }"
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style><body>{"".join(boxes)}'


def first_pixel(picture: Path) -> tuple[int, ...]:
    """Red, green and blue in the upper left corner of a PNG: there every filter leaves the value as it is."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    return tuple(zlib.decompress(packed)[1:4])


def _run(*arguments: str, variables: dict[str, str] | None = None) -> str:
    """Start it in an empty profile; what it printed. Whatever happens, nothing of it is left running."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # It reserves more address space than the tests' limit allows, and uses little of it.
        shell = ["sh", "-c", 'ulimit -S -v unlimited; exec "$@"', "sh"]
        started = subprocess.Popen(
            [*shell, PROGRAM, *_FLAGS, f"--user-data-dir={profile}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile, **(variables or {})},
            start_new_session=True,
        )
        try:
            out, _ = started.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Chromium has not ended within {PATIENCE:g} s") from None
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.communicate()
    assert started.returncode == 0, f"Chromium ended with {started.returncode}"
    return out.decode()
