"""The page in a real browser: on a screen and on a telephone, light and dark. Three starts in all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.diagnosis.html import render
from tests.diagnosis import reports
from tests.diagnosis.chromium import PROGRAM, Frame, Scheme, first_pixel, framed, measure, shoot
from tests.diagnosis.test_html import EVIL

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (Debian's package chromium)"),
    pytest.mark.timeout(120),
    pytest.mark.process,
]

SCREEN, TELEPHONE = 1280, 390
LONG = "unbroken" * 60

MEASURE = """window => {
  const page = window.document, root = page.documentElement, found = [];
  const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  for (const picture of page.querySelectorAll("svg.picture")) {
    if (!picture.getBoundingClientRect().width) continue;
    const [left, , right] = box(picture);
    const labels = [...picture.querySelectorAll("text")].map(e => [e.textContent, box(e)]);
    for (const [text, b] of labels)
      if (b[0] < left - 1 || b[2] > right + 1) found.push("outside: " + text);
    labels.forEach(([text, a], n) => labels.slice(n + 1).forEach(([other, b]) => {
      if (a[0] < b[2] - 1 && b[0] < a[2] - 1 && a[1] + 3 < b[3] - 3 && b[1] + 3 < a[3] - 3)
        found.push("on each other: " + text + " | " + other);
    }));
  }
  const shown = [...page.querySelectorAll("svg.picture")].filter(e => e.getBoundingClientRect().width);
  return {width: root.scrollWidth, window: window.innerWidth, found, shown: shown.map(e => e.classList[1]),
          open: [...page.querySelectorAll("details")].length, script: page.scripts.length};
}"""


def pages() -> dict[str, str]:
    found = {name: render(make()) for name, make in reports.ALL.items()}
    return found | {
        "runs": render([make() for make in reports.ALL.values()]),
        "long": render(reports.hostile(LONG), LONG),
        "wide": render(reports.hostile("模型訓練檢查點" * 20)),
        "evil": render(reports.hostile(EVIL[0]), EVIL[0]),
    }


def test_nothing_is_wider_than_its_window_and_no_label_lies_on_another(tmp_path: Path) -> None:
    named = [(name, width, source) for name, source in pages().items() for width in (SCREEN, TELEPHONE)]
    measured = measure([Frame(source, width) for _, width, source in named], MEASURE, tmp_path)
    assert len(measured) == len(named)
    for (name, width, _), found in zip(named, measured, strict=True):
        _judge(f"{name} at {width}", width, found)


def _judge(where: str, width: int, found: dict[str, Any]) -> None:
    assert found["window"] == width, where
    assert found["width"] <= width, f"{where} is {found['width']} wide"
    assert found["found"] == [], where
    assert found["script"] == 0, where
    assert set(found["shown"]) <= ({"wide"} if width == SCREEN else {"narrow"}), where


@pytest.mark.parametrize(("scheme", "colour"), [("light", (0xF5, 0xF6, 0xF8)), ("dark", (0x0F, 0x12, 0x17))])
def test_light_and_dark(tmp_path: Path, scheme: Scheme, colour: tuple[int, ...]) -> None:
    source = render(reports.five())
    page, picture = tmp_path / "both.html", tmp_path / f"{scheme}.png"
    page.write_text(framed([Frame(source, SCREEN, 1500), Frame(source, TELEPHONE, 1500)]), encoding="utf-8")
    shoot(page, picture, SCREEN + TELEPHONE, 1500, scheme)
    assert first_pixel(picture) == colour
    assert picture.stat().st_size > 50_000
