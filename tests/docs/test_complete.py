"""Every option, setting, code, fact and exit code is documented, and nothing is that does not exist."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer.main

from runner import settings
from runner.backends.base import Watched
from runner.cli import check, main, pipes
from runner.diagnosis.findings.base import UNDECIDING, Code, Severity, Verdict
from runner.diagnosis.report import SCHEMA, diagnose
from runner.errors import InvalidRequest
from runner.jobs import unheeded
from runner.jobs.base import Kind
from runner.jobs.shared import OUR_TAGS
from runner.keeper import tree
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import DEFAULT_GRACE, Disposition, Isolation
from runner.settings import DATA_DIR_VARIABLE, Settings
from tests.docs.blocks import ROOT, pages, shown
from tests.docs.plugged import Added
from tests.docs.tables import DOCS, Section, code, names, section, sections, table, tables
from tests.keeper.bench import PID1, PLAIN, Bench
from tests.probing import probe

COMMANDS: Mapping[str, Any] = vars(typer.main.get_command(main.app))["commands"]
ROOT_OPTIONS = {"--help", "--version", "--install-completion", "--show-completion"}
CHECK, COMMANDS_PAGE = "check.md", "command-line.md"
COMMON = ("n", "t", "w", "a", "fact")


def values(enum: type[Enum]) -> set[str]:
    return {str(member.value) for member in enum}


def options(command: str) -> set[str]:
    return {word for parameter in COMMANDS[command].params for word in parameter.opts if word.startswith("--")}


# --- the command line


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command(command: str) -> None:
    page = CHECK if command == "check" else COMMANDS_PAGE
    rows = list(tables(section(page, f"Options of `runner {command}`")))
    documented = [name for row in (rows[0][1:] if rows else []) for name in code(row[0])]
    assert sorted(documented) == sorted(options(command) - {"--help"})


def test_the_defaults_of_the_check() -> None:
    defaults = {word: one.default for one in COMMANDS["check"].params for word in one.opts}
    for row in table("check.md", "Options of `runner check`", "option"):
        default = defaults[code(row[0])[0]]
        assert row[1] == {None: "", False: "off"}.get(default, f"{default or 0:g}") or row[1] == "the best that works"


def test_no_page_speaks_of_a_command_or_an_option_that_is_not_there() -> None:
    known = {word for command in COMMANDS for word in options(command)} | {"--", *ROOT_OPTIONS, *Added().options}
    for page in pages():
        for one in _present(page):
            for span in code("\n".join(one.lines)):
                if span.startswith("runner "):
                    assert span.split()[1] in {*COMMANDS, *ROOT_OPTIONS}, f"{page.name}, {one.heading}: {span}"
                    assert set(re.findall(r"--[\w-]+", span.split(" -- ")[0])) <= known, f"{page.name}: {span}"
                elif span.startswith("--"):
                    assert span.split()[0] in known, f"{page.name}, {one.heading}: {span}"


def _present(page: Path) -> Iterator[Section]:
    """The sections that speak of what there is today. Decisions speak of what was thought of, too."""
    if "decisions" not in page.parts:
        yield from (one for one in sections(page) if one.heading != "Planned")


def test_the_arguments_of_a_command_are_in_its_usage() -> None:
    """The line below the heading of a command begins with how it is called."""
    for command, of in COMMANDS.items():
        if command != "check":
            usage = code("\n".join(section(COMMANDS_PAGE, f"Options of `runner {command}`").lines))[0]
            arguments = [one.make_metavar(of.make_context("", [], resilient_parsing=True)) for one in of.params]
            named = [name for one, name in zip(of.params, arguments, strict=True) if one.param_type_name == "argument"]
            assert usage.split() == ["runner", command, *named], command


def test_every_command_is_in_the_table() -> None:
    rows = table(COMMANDS_PAGE, "The command line", "command")
    assert sorted(code(row[0])[0] for row in rows) == sorted(f"runner {command}" for command in COMMANDS)


def test_exit_codes_of_the_other_commands() -> None:
    (rows,) = tables(section(COMMANDS_PAGE, "Exit codes"))
    own = (main.DONE, main.FAILED, main.WRONG_USAGE, pipes.INTERRUPTED)
    assert [code(row[0]) for row in rows[1:]] == [[str(number)] for number in own]


def test_exit_codes() -> None:
    own = {check.GRACEFUL, check.NOT_GRACEFUL, main.WRONG_USAGE, check.NOT_RUN, check.UNDECIDED, check.INTERRUPTED}
    (rows,) = tables(section("check.md", "Exit codes"))
    assert [code(row[0]) for row in rows[1:]] == [[str(number)] for number in sorted(own)]
    told = COMMANDS["check"].help.split("Exit codes:")[1]
    assert re.findall(r"\d+", told) == [str(number) for number in sorted(own - {check.INTERRUPTED})]


# --- what is accepted and not honoured


def rules(heading: str) -> list[tuple[str, str]]:
    return [(code(row[0])[0], row[1]) for row in table("unheeded.md", heading, "member")]


def test_members_that_are_not_honoured() -> None:
    assert rules("Training jobs") == [rule[:2] for rule in unheeded.RULES[Kind.TRAINING]]
    assert rules("Compilation jobs") == [rule[:2] for rule in unheeded.RULES[Kind.COMPILATION]]
    assert rules("All jobs") == [rule[:2] for rule in unheeded.OF_EVERY_JOB]


@pytest.mark.parametrize("definition", ["TrainingJobDefinition.", "TrainingJobDefinitions[]."])
def test_members_of_a_tuning_job_that_are_not_honoured(definition: str) -> None:
    told = [(path, instead) for path, instead, _ in unheeded.RULES[Kind.TUNING]]
    of_search = [one for one in told if not one[0].startswith("TrainingJobDefinition")]
    of_it = [(path.removeprefix(definition), instead) for path, instead in told if path.startswith(definition)]
    own = [(f"DEFINITION.{path}", instead) for path, instead in of_it if (path, instead) not in rules("Training jobs")]
    assert rules("Tuning jobs") == of_search + own


# --- findings and the report


def test_finding_codes() -> None:
    assert set(names("check.md", "Findings", "code")) == values(Code)


def test_severities_of_findings() -> None:
    documented = {code(row[0])[0]: set(row[1].split(" or ")) for row in table("check.md", "Findings", "code")}
    found: dict[str, set[str]] = {}
    for name, severity in _severities():
        found.setdefault(name, set()).add(severity)
    assert documented == found


def _severities() -> Iterator[tuple[str, str]]:
    """Of each code, from the calls by which the rules make findings."""
    for source in (ROOT / "runner" / "diagnosis" / "findings").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="error" | "warning" | "note" as severity),
                    args=[ast.Attribute(value=ast.Name(id="Code"), attr=member), *_],
                ):
                    yield Code[member].value, Severity(severity).value


def test_findings_that_leave_the_verdict_open_say_so() -> None:
    says = {code(row[0])[0] for row in table("check.md", "Findings", "code") if "Undecided" in row[2]}
    assert says == {one.value for one in UNDECIDING}


def test_verdicts() -> None:
    assert set(names("check.md", "Verdicts", "verdict")) == values(Verdict)


def test_members_of_the_report() -> None:
    assert names("check.md", "JSON", "member") == list(diagnose([]).to_json())
    assert SCHEMA in section("check.md", "JSON").lines[1]


def test_the_example_of_the_report_is_one() -> None:
    (one,) = (one for one in shown((DOCS / "check.md").read_text(encoding="utf-8")) if one.output.name == "json")
    _, _, text = one.output.body.partition("\n")
    assert list(json.loads(text)) == names("check.md", "JSON", "member")


# --- isolations


def test_isolations() -> None:
    (rows, *_) = tables(next(one for one in sections(DOCS / "isolation.md") if one.heading == "Isolations"))
    assert {name for row in rows[1:] for name in code(row[0])} == values(Isolation)


# --- the journal


def test_facts() -> None:
    headings = [code(one.heading) for one in sections(DOCS / "journal.md")]
    assert [name for found in headings for name in found] == [fact.value for fact in FactName]


@pytest.mark.parametrize("fact", FactName, ids=lambda fact: fact.value)
def test_the_example_of_a_fact_has_the_documented_members(fact: FactName) -> None:
    example = _example(fact)
    assert example["fact"] == fact.value
    assert list(example) == [*COMMON, *_members(fact)]
    for process in example.get("processes", ()):
        assert set(process) <= set(names("journal.md", "A process in a fact", "member")), process
    for save in (*example.get("saves", ()), *example.get("open", ())):
        assert list(save) == names("journal.md", "A save in a fact", "member"), save


def _members(fact: FactName) -> list[str]:
    found = [rows for rows in tables(section("journal.md", f"`{fact.value}`")) if rows[0][0] == "member"]
    return [name for rows in found for row in rows[1:] for name in code(row[0])]


def _example(fact: FactName) -> dict[str, Any]:
    text = (DOCS / "journal.md").read_text(encoding="utf-8").split(f"\n### `{fact.value}`\n")[1]
    example: dict[str, Any] = json.loads(text.split("```json\n")[1].split("\n```")[0])
    return example


@pytest.mark.process
def test_real_journals_have_the_documented_members(nothing_left: Path) -> None:
    bench = Bench(nothing_left / "data")
    try:
        jobs = [bench.launch(probe("leaves-child"), room) for room in (PID1, PLAIN) if _works(bench, room.isolation)]
        jobs.append(bench.launch(probe("no-handler"), PLAIN))
        (folder := nothing_left / "model").mkdir()
        watched = [Watched(folder, str(folder), "model")]
        saves = ["sh", "-c", 'cd "$0"; echo 1 > a; exec 3> b; echo ready; sleep 60', str(folder)]
        jobs.append(bench.launch(saves, PLAIN, watched=watched, temporary=folder))
        bench.stop(jobs, 0.3)
        jobs.append(bench.launch(["is-not-there"], PLAIN, ready=None))
        for job in jobs:
            job.wait_gone()
        facts = [fact for job in jobs for fact in job.facts()]
    finally:
        bench.close()
    seen = {fact["fact"] for fact in facts}
    assert seen >= set(
        [
            "launch",
            "started",
            "executed",
            "not-executed",
            "stop",
            "look",
            "signal",
            "kill",
            "ended",
            "left-over",
            "files",
            "temporaries",
            "gone",
        ]
    )
    process = set(names("journal.md", "A process in a fact", "member"))
    save = names("journal.md", "A save in a fact", "member")
    for fact in facts:
        assert list(fact) == [*COMMON, *_members(FactName(fact["fact"]))], fact
        assert all(set(one) <= process for one in fact.get("processes", ())), fact
        assert all(list(one) == save for one in (*fact.get("saves", ()), *fact.get("open", ()))), fact
    assert any(fact.get("saves") for fact in facts)
    assert any(fact.get("open") for fact in facts)


def test_members_of_every_fact() -> None:
    assert tuple(names("journal.md", "Format", "member")) == COMMON


def _works(bench: Bench, isolation: Isolation) -> bool:
    return bench.do(bench.backend.isolation(None)) is isolation or isolation is Isolation.PLAIN


def test_values_in_facts() -> None:
    assert set(names("journal.md", "A process in a fact", "`sigterm`")) == values(Disposition)
    assert set(names("journal.md", "`kill`", "`why`")) == values(KillReason)
    assert set(names("journal.md", "`stop`", "`cause`")) == values(Cause)
    assert set(names("journal.md", "A save in a fact", "`how`")) == {tree.CREATED, tree.OVERWRITTEN, tree.MOVED_IN}


# --- settings


def _known(text: str) -> list[str]:
    """What the reader of the settings says that there is, when it is asked for something else."""
    with pytest.raises(InvalidRequest, match="is no setting") as refused:
        settings.parse(text)
    return refused.value.rule.split("there are ")[1].split(", ")


def test_settings() -> None:
    keys = []
    for name in _known("nope = 1"):
        part = {"images": "NAME", "compilers": "FRAMEWORK"}.get(name)
        inside = f'{name}."{part}"' if part else name
        keys += [f"{name}.{part}.{key}" if part else f"{name}.{key}" for key in _known(f"[{inside}]\nnope = 1")]
    assert sorted(names("settings.md", "`runner.toml`", "key")) == sorted(keys)


def _document(key: str, value: str) -> str:
    name, _, last = key.rpartition(".")
    return f"[{name}]\n{last} = {value}\n"


def test_examples_and_defaults_of_settings() -> None:
    every = set(Settings._fields)
    changed: set[str] = set()
    for row in table("settings.md", "`runner.toml`", "key"):
        key, default, example = code(row[0])[0], code(row[1])[:1], code(row[2])[0]
        read = settings.parse(_document(key, example))
        differ = [name for name in every if getattr(read, name) != getattr(Settings(), name)]
        assert len(differ) == 1, key
        changed.update(differ)
        if key.startswith("grace."):
            assert float(default[0]) == DEFAULT_GRACE
        elif not key.endswith(".command"):
            assert settings.parse(_document(key, default[0])) == Settings(), key
    assert changed == every


def test_planned_tables_are_refused_today() -> None:
    for name in names("settings.md", "Planned", "table"):
        with pytest.raises(InvalidRequest, match=f"^{name}: is no setting"):
            settings.parse(f"[{name}]")
    with pytest.raises(InvalidRequest, match="container: is no setting"):
        settings.parse('[images."x"]\ncontainer = true')


def test_tags_and_variables() -> None:
    assert tuple(names("settings.md", "Tags", "tag")) == OUR_TAGS
    assert DATA_DIR_VARIABLE in names("settings.md", "Environment variables", "variable")
    used = set()
    for source in (ROOT / "runner").rglob("*.py"):
        used |= set(re.findall(r'"(RUNNER_[A-Z_]+)"', source.read_text(encoding="utf-8"))) - {"RUNNER_"}
    assert used == {name for name in names("settings.md", "Environment variables", "variable") if "RUNNER_" in name}


def test_the_settings_of_the_pages_are_toml() -> None:
    for row in table("settings.md", "`runner.toml`", "key"):
        assert tomllib.loads(f"x = {code(row[2])[0]}")
