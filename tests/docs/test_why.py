"""docs/why-jobs-do-not-stop.md has every finding and every example, and what it shows can be pasted."""

from __future__ import annotations

import subprocess

import pytest

from runner.diagnosis.findings.base import UNDECIDING, Code
from tests.docs.blocks import Block, blocks_of
from tests.docs.tables import DOCS, code, names, section, sections, tables
from tests.modes.examples import FOLDER, bad

PAGE = "why-jobs-do-not-stop.md"
SHELLS = ("sh", "bash")


def _text() -> str:
    return (DOCS / PAGE).read_text(encoding="utf-8")


def _snippets(*languages: str) -> list[object]:
    found = [block for block in blocks_of(_text()) if block.language in languages]
    return [pytest.param(block, id=f"line-{block.first}") for block in found]


def test_every_finding_has_its_section() -> None:
    own = [name for one in sections(DOCS / PAGE) for name in code(one.heading)]
    assert sorted(own) == sorted(code for code in Code if code not in UNDECIDING)
    assert sorted(names(PAGE, "No verdict", "finding")) == sorted(UNDECIDING)


def test_every_section_says_how_to_see_it_and_what_to_do() -> None:
    for one in sections(DOCS / PAGE):
        text = "\n".join(one.lines)
        if code(one.heading) and one.heading != f"`{Code.GRACEFUL}`":
            assert "*Cure.*" in text, one.heading
            assert "*By hand.*" in text or one.heading == f"`{Code.UNATTRIBUTED}`", one.heading


def test_every_example_is_in_the_section_of_its_finding() -> None:
    for example in bad():
        folder = example.name.partition("/")[0]
        assert f"(../examples/modes/{folder})" in "\n".join(section(PAGE, f"`{example.finding}`").lines)
        assert (FOLDER / folder).is_dir()


def test_what_is_seen_leads_to_sections() -> None:
    (rows,) = tables(section(PAGE, "Why jobs do not stop"))
    led_to = {name for _, cell in rows[1:] for name in code(cell) if name in set(Code)}
    assert {example.finding for example in bad()} - led_to == {Code.GRACEFUL, Code.LEFT_OVERS}


@pytest.mark.parametrize("snippet", _snippets("python"))
def test_python_can_be_pasted(snippet: Block) -> None:
    compile(snippet.body, snippet.file or "a program", "exec")


@pytest.mark.parametrize("snippet", _snippets(*SHELLS))
def test_shell_can_be_pasted(snippet: Block) -> None:
    read = subprocess.run([snippet.language, "-n"], input=snippet.body, capture_output=True, text=True, timeout=30)
    assert (read.returncode, read.stderr) == (0, "")
