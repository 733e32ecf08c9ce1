"""The bad example of each mode has the finding that its page promises, and the cured one is graceful."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.modes.examples import FOLDER, Example, bad, cured
from tests.modes.programs import MODES, WELL_BEHAVED
from tests.modes.running import Seen, resume, stop


def _see(example: Example, scratch: Path) -> Seen:
    return (resume if example.resume else stop)(example, "pid1", scratch)


@pytest.mark.parametrize("example", bad(), ids=lambda example: example.name)
def test_bad(example: Example, nothing_left: Path) -> None:
    seen = _see(example, nothing_left / "scratch")
    verdict = "graceful" if example.mode in WELL_BEHAVED else "not-graceful"
    assert (seen.codes[0], seen.verdict) == (example.finding, verdict), seen.story


@pytest.mark.parametrize("example", cured(), ids=lambda example: example.name)
def test_cured(example: Example, nothing_left: Path) -> None:
    seen = _see(example, nothing_left / "scratch")
    assert (list(seen.codes), seen.verdict) == (["graceful"], "graceful"), seen.story


def test_every_mode_has_its_examples() -> None:
    assert [(example.mode, example.finding) for example in bad()] == [(n, found[0]) for n, (_, found) in MODES.items()]
    assert [example.mode for example in bad() if example.resume] == [20]
    named = {FOLDER / example.name for example in [*bad(), *cured()]}
    also = {FOLDER / "01-graceful" / "slow_save"}  # what 08 and 12 have behind their wrappers
    programs = [path for path in FOLDER.rglob("*.*") if path.suffix in (".py", ".sh")]
    assert {path.with_suffix("") for path in programs} == named | also


def test_examples_are_small() -> None:
    for path in FOLDER.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 35, path.name
