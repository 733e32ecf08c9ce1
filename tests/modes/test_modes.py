"""The right main finding for each of the twenty failure modes, and no error for what behaves well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.modes.programs import MODES, Program, programs
from tests.modes.recording import record
from tests.modes.running import resume, stop


def cases() -> Iterator[object]:
    for program in programs():
        for isolation in ("pid1", "plain"):
            yield pytest.param(program, isolation, id=f"{program.name}-{isolation}")


def test_each_mode_has_programs_of_different_make() -> None:
    for mode in MODES:
        own = [program for program in programs() if program.mode == mode]
        assert len(own) >= (10 if mode == 1 else 3), mode
        assert len({program.language for program in own}) >= 2, mode


@pytest.mark.modes
@pytest.mark.parametrize(("program", "isolation"), list(cases()))
def test_mode(program: Program, isolation: str, nothing_left: Path, pytestconfig: pytest.Config) -> None:
    missing = program.needs()
    if missing:
        pytest.skip(f"no {missing} on this machine")
    seen = (resume if program.mode == 20 else stop)(program, isolation, nothing_left / "scratch")
    table = pytestconfig.getoption("--modes")
    if table:
        line = {"program": program.name, "isolation": isolation, "codes": list(seen.codes), "verdict": seen.verdict}
        with (Path(table) / f"{program.name}-{isolation}.json").open("w") as file:
            json.dump(line, file)
        record(program, isolation, seen, Path(table), nothing_left)
    expected, verdict = program.expected(isolation), program.verdict(isolation)
    told = f"{program.about}\nexpected: {expected}, found: {seen.codes}\n{seen.story}"
    assert (seen.codes[0] in expected, seen.verdict) == (True, verdict), told
