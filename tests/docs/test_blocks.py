"""What the pages show is what happens: commands print it, programs print it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import refresh
from tests.docs.blocks import (
    Block,
    Shown,
    assert_same,
    blocks_of,
    name_of,
    pages,
    replaced,
    run_commands,
    run_python,
    shown,
    words,
)
from tests.docs.served import BOTO3, HEAVY, RUNNER, assert_shown, with_server

PAGE = """\
Some text.

```console
$ echo one; echo "took 2.51 s"
$ echo two \\
    three
```
<!-- output: first -->
```text
one
took    17 s
two three
```

```python
print("four")
```
<!-- prints: four -->

```sh
not run
```

<!-- file: five.txt -->
```text
five
```

```console
$ cat five.txt; ls
```
<!-- output: second -->
```text
five
five.txt
```
"""


def _outputs() -> list[object]:
    return [
        pytest.param(page, one, id=f"{name_of(page)}-{one.output.name}")
        for page in pages()
        for one in shown(page.read_text(encoding="utf-8"))
        if one.served is None
    ]


def _programs() -> list[object]:
    return [
        pytest.param(block, id=f"{name_of(page)}-{block.first}")
        for page in pages()
        for block in blocks_of(page.read_text(encoding="utf-8"))
        if block.language == "python" and block.file is None and block.served is None
    ]


@pytest.fixture
def folder(nothing_left: Path) -> Path:
    """An empty one."""
    empty = nothing_left / "empty"
    empty.mkdir()
    return empty


@pytest.mark.process
@pytest.mark.usefixtures("pid1")
@pytest.mark.parametrize(("page", "one"), _outputs())
def test_a_shown_output_is_the_real_one(page: Path, one: Shown, folder: Path) -> None:
    assert_same(page, one, run_commands(one, folder))


@pytest.mark.process
@pytest.mark.parametrize("block", _programs())
def test_a_shown_program_prints_what_its_comment_says(block: Block, folder: Path) -> None:
    assert run_python(block.body, folder).strip() == (block.prints or "")


@pytest.mark.process
@pytest.mark.usefixtures("pid1")
@pytest.mark.parametrize("page", with_server(RUNNER, BOTO3))
def test_a_page_can_be_typed_from_top_to_bottom(page: Path, folder: Path) -> None:
    """Those of its blocks that have a server in common; `make clients` does it with all clients."""
    assert_shown(page, (RUNNER, BOTO3), folder)


def test_every_client_of_a_page_is_known() -> None:
    blocks = [block for page in pages() for block in blocks_of(page.read_text(encoding="utf-8"))]
    assert {block.served for block in blocks} <= {None, RUNNER, BOTO3, *HEAVY}
    # Programs that are no files are run by `make test`, which has no other client.
    assert {block.served for block in blocks if block.language == "python" and not block.file} <= {None, BOTO3}


def test_every_console_block_shows_its_output() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        consoles = [block for block in blocks_of(text) if block.language == "console"]
        assert len(consoles) == len(shown(text)), name_of(page)
        assert all(one.output.body.strip() for one in shown(text)), f"{name_of(page)} shows an empty output"


def test_blocks_are_found_with_their_comments() -> None:
    console, output, program, shell, file, *_ = blocks_of(PAGE)
    assert [block.language for block in blocks_of(PAGE)][:5] == ["console", "text", "python", "sh", "text"]
    assert (output.name, console.name, program.prints, shell.prints) == ("first", None, "four", None)
    assert (file.file, file.name, output.file) == ("five.txt", None, None)
    assert shown(PAGE)[0].commands == ('echo one; echo "took 2.51 s"', "echo two \\\n    three")


def test_numbers_and_the_breaking_of_lines_do_not_count(folder: Path) -> None:
    one, _ = shown(PAGE)
    text = run_commands(one, folder)
    assert text == "one\ntook 2.51 s\ntwo three\n"
    assert words(text) == words(one.output.body)
    assert words("python3.11 (PID 7)  +0.5\n -1 s") == words("python (PID 12) -3 +4.25 s")
    assert words("1 line was printed") == words("12 lines were printed")
    assert words("two") != words("too")
    assert words("pid1") != words("pid2")


def test_a_shown_file_is_there_for_what_comes_after_it(folder: Path) -> None:
    first, second = shown(PAGE)
    assert (first.files, second.files) == ({}, {"five.txt": "five\n"})
    assert run_commands(second, folder) == second.output.body


def test_blocks_with_a_client_are_known() -> None:
    page = "<!-- served: aws -->\n```console\n$ aws\n```\n<!-- output: x -->\n```text\n```\n"
    console, output = blocks_of(page)
    assert (console.served, output.served, output.name) == ("aws", None, "x")
    assert [one.served for one in shown(page)] == ["aws"]
    assert [one.served for one in shown(PAGE)] == [None, None]


def test_an_output_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    refresh.refresh(page)
    assert page.read_text() == PAGE.replace("took    17 s", "took 2.51 s")
    one, _ = shown(PAGE)
    assert replaced(PAGE, one.output, "one\ntook    17 s\ntwo three\n") == PAGE


@pytest.mark.parametrize(
    ("page", "reason"),
    [("```text\nno end\n", "not closed"), ("<!-- output: x -->\n```text\n```\n", "no console block")],
)
def test_a_broken_page_is_refused(page: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        shown(page)
