"""The picture of the README: `python -m tests.tools.page_image [FILE]`.

Runs the README's first example, makes the page of its report, and takes a screenshot of its upper part at 1280 pixels.
Needs Chromium; looks best where the font Inter is installed (Debian's package fonts-inter).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from runner import Runner
from tests.diagnosis.chromium import PROGRAM, Frame, measure, shoot

ROOT = Path(__file__).parent.parent.parent
WIDTH = 1280
COMMAND = "python -m workloads.training.digits; echo finished"
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <match target="pattern">
    <test name="family"><string>system-ui</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Inter</string><string>sans-serif</string></edit>
  </match>
</fontconfig>
"""
BOTTOM = "window => window.document.querySelector('figure').closest('section').getBoundingClientRect().bottom"


def main(picture: Path) -> None:
    if PROGRAM is None:
        sys.exit("needs Chromium (Debian's package chromium)")
    source = _page()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, fonts = folder / "page.html", folder / "fonts.conf"
        page.write_text(source, encoding="utf-8")
        fonts.write_text(FONTS, encoding="utf-8")
        variables = {"FONTCONFIG_FILE": str(fonts), "XDG_CACHE_HOME": name}
        (bottom,) = measure([Frame(source, WIDTH)], BOTTOM, folder, variables)
        shoot(page, picture, WIDTH, round(bottom) + 16, "light", variables)
    print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


def _page() -> str:
    """Of a real stop."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    with Runner() as runner:
        job = runner.train(["sh", "-c", COMMAND], name="digits", grace=5, environment={"PATH": path})
        job.wait_for_log("epoch 8 ")
        return job.stop().to_html("digits")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images" / "report.png").absolute())
