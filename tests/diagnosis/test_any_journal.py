"""What holds for every journal: torn, unfinished, out of order, of a later version, or full of strange names."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.diagnosis.deciding import decided
from runner.diagnosis.findings.base import UNDECIDING, Code
from runner.diagnosis.report import LogLine, Report, diagnose
from runner.diagnosis.text import render
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.stops import Disposition
from tests.diagnosis import journals
from tests.diagnosis.journals import CHILD, DEAF, GOOD, MAIN, SHELL, TRACKER, Facts, Journal, plain, proc

MEMBERS = {
    "schema",
    "verdict",
    "findings",
    "exit",
    "escalated",
    "cut_short",
    "seconds_to_exit",
    "left_over",
    "isolation",
    "grace",
    "timeline",
}


def _with_files() -> Facts:
    """All that is told of files and stacks."""
    save = {
        "path": "/opt/ml/model/a.tmp",
        "role": "model",
        "how": "overwritten",
        "begun": journals.BOOTED,
        "done": None,
    }
    save |= {"size": 3, "became": "there", "to": None, "writer": {"pid": MAIN + 1, "inner": 2, "name": "python"}}
    told = {"saved": 1, "bytes": 3, "saves": [save | {"done": journals.BOOTED + 5}], "open": [save], "read": ["/x"]}
    frames = [{"function": "f", "file": "/a/b.py", "line": 3}]
    stack = {"name": "MainThread", "main": True, "active": True, "frames": frames}
    left = {"paths": ["/opt/ml/tmp/x"], "count": 1, "bytes": 2, "shared_memory": ["psm_1"]}
    journal = Journal("x").note(-4.9, "launch", watched=[{"role": "model", "path": "/opt/ml/model", "asked": True}])
    journal.stop(GOOD, CHILD).note(0.1, "files", moment="stop", missed=False, **told)
    journal.note(1.0, "stacks", pid=MAIN, inner=1, threads=[stack], error=None)
    journal.note(2.0, "files", moment="kill", missed=True, **told).killed(2.0).note(2.1, "files", moment="end", **told)
    return journal.note(2.2, "temporaries", **left).gone()


JOURNALS: list[Facts] = [
    journals.wrapper_swallowed(),
    journals.graceful(),
    journals.left_overs(),
    Journal("x", isolation="plain").stop(*plain(SHELL, CHILD), outcome="withheld").killed().gone(),
    Journal("x", isolation="plain").stop(*plain(GOOD)).died(0.1, "SIGTERM").note(0.2, "emulation-missed").gone(),
    Journal("x").stop(DEAF, TRACKER).look(1.0, "change", GOOD).exit(3.0, 1).left(TRACKER).gone(),
    Journal("x").exit(-1.0, 0).stop(None).gone(),
    Journal("x").stop(GOOD).note(1.0, "unattributed", processes=[CHILD], jobs=[]).died(2, "SIGKILL", "other").facts,
    Journal("x")
    .stop(GOOD)
    .note(2.0, "owner-gone")
    .killed(2.1, "owner-gone")
    .note(3, "unkillable", processes=[GOOD])
    .facts,
    Journal("x").stop(GOOD).note(2.0, "lost", processes=[GOOD]).gone(),
    _with_files(),
    Journal("x").note(-5, "not-executed", stage="exec", errno=2, reason="gone\x1b[2J", code=127).gone(),
]
ANY = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
STRANGE = st.text(st.characters(), min_size=1, max_size=30) | st.sampled_from(
    ["\x1b]0;x\x07", "a\rb", "\u202eexe", "\udc80", "\x9b2J"]
)


def hold(facts: Facts) -> Report:
    """The invariants."""
    report = diagnose(facts, log=LOG)
    codes = {finding.code for finding in report.findings}
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert report.findings
    assert codes <= {code.value for code in Code}
    assert (report.verdict == "graceful") == ("graceful" in codes)
    assert (report.verdict == "not-graceful") == bool(errors)
    assert (report.verdict == "undecided") == bool(codes & UNDECIDING)
    for finding in report.findings:
        assert finding.explanation
        assert (finding.cure == "") == (finding.code == "graceful")
    assert report.verdict != "graceful" or not report.escalated
    assert not report.cut_short or (report.escalated and report.seconds_to_exit is None)
    shown = report.to_json()
    assert set(shown) >= MEMBERS
    json.dumps(shown, ensure_ascii=False).encode()
    assert all(c == "\n" or c.isprintable() for f in report.findings for c in f.explanation + f.cure)
    text = render(report)
    text.encode()
    assert all(character == "\n" or character.isprintable() for character in text)
    assert all(entry["event"] and "t" in entry for entry in report.timeline)
    assert decided(facts) in (True, False)
    return report


@pytest.mark.parametrize("facts", JOURNALS, ids=range(len(JOURNALS)))
def test_every_prefix(facts: Facts) -> None:
    for length in range(len(facts) + 1):
        hold(facts[:length])


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(JOURNALS), st.randoms(use_true_random=False), st.data())
def test_any_order_with_facts_of_a_later_version(facts: Facts, chance: random.Random, data: st.DataObject) -> None:
    unknown = data.draw(st.lists(st.dictionaries(st.text(max_size=6), ANYTHING, max_size=4), max_size=3))
    new = [{"n": 0, "t": 5, "w": 5, "a": 1, "fact": "from-a-later-version"} | members for members in unknown]
    mixed = [fact for fact in facts if chance.random() < 0.8] + new
    chance.shuffle(mixed)
    hold(mixed)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(JOURNALS), st.data())
def test_members_of_any_type(facts: Facts, data: st.DataObject) -> None:
    changed: list[dict[str, Any]] = [dict(fact) for fact in facts]
    for fact in changed:
        for name in data.draw(st.lists(st.sampled_from(sorted(fact)), max_size=1)):
            fact[name] = data.draw(ANYTHING)
        if isinstance(fact.get("processes"), list) and data.draw(st.booleans()):
            broken = dict(proc("x", "caught")) | data.draw(st.dictionaries(st.sampled_from(sorted(GOOD)), ANYTHING))
            fact["processes"] = [*fact["processes"], broken, data.draw(ANYTHING)]
    hold(changed)


PROCESSES = st.builds(
    lambda name, sigterm, pid, more: proc(name, sigterm, pid) | more,
    st.sampled_from(["sh", "python", "tini", "bash"]),
    st.sampled_from([None, *(d.value for d in Disposition)]),
    st.integers(MAIN, MAIN + 3),
    st.fixed_dictionaries({"state": st.sampled_from("RSDTZ"), "pending": st.booleans(), "blocked": st.booleans()}),
)
INSTANTS = st.none() | st.integers(journals.BOOTED - 10**10, journals.BOOTED + 10**11)
SAVES = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/m/a", "/m/a.tmp", "/m/b.part"]),
        "how": st.sampled_from(["created", "overwritten", "moved-in", None]),
        "begun": INSTANTS,
        "done": INSTANTS,
        "size": st.none() | st.integers(0, 2**50),
        "became": st.sampled_from(["there", "renamed", "removed", None]),
        "to": st.sampled_from([None, "/m/c"]),
        "writer": st.sampled_from([None, {"pid": MAIN + 1}, {"pid": MAIN, "inner": 1, "name": "python"}]),
    }
)
LOG = [
    LogLine(journals.EPOCH - 10**9, "step 1"),
    LogLine(journals.EPOCH + 5, "Traceback (most recent call last):"),
    LogLine(journals.EPOCH + 6, "  File x"),
    LogLine(journals.EPOCH + 7, "OSError: \x1b[2J\udc80"),
]
MADE_UP = st.builds(
    lambda name, at, members: {"t": journals.BOOTED + at, "w": journals.EPOCH + at, "fact": name} | members,
    st.sampled_from([name.value for name in FactName]),
    st.integers(-(10**10), 2 * 10**11),
    st.fixed_dictionaries(
        {
            "a": st.sampled_from([1, 1, 1, 2]),
            "argv": st.sampled_from([["sh", "-c", "python a; b"], ["python", "t.py"], []]),
            "isolation": st.sampled_from(["pid1", "plain", "docker", None]),
            "pid": st.just(MAIN),
            "processes": st.lists(PROCESSES, max_size=3),
            "moment": st.sampled_from(["before", "after", "change", "deadline", "end", "asked", "stop", "kill"]),
            "signal": st.sampled_from(["SIGTERM", "SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", None]),
            "outcome": st.sampled_from(["sent", "withheld", "failed"]),
            "why": st.sampled_from([reason.value for reason in KillReason]),
            "code": st.sampled_from([0, 1, 143, None]),
            "killer": st.sampled_from(["runner", "other", None]),
            "out_of_memory": st.sampled_from(["yes", "no", "unknown"]),
            "grace": st.sampled_from([0, 2.0, 120.0]),
            "watched": st.just([{"role": "model", "path": "/m", "asked": False}]),
            "saves": st.lists(SAVES, max_size=4),
            "open": st.lists(SAVES, max_size=2),
            "missed": st.booleans(),
        }
    ),
)


@pytest.mark.slow
@settings(max_examples=800, deadline=None)
@given(st.lists(MADE_UP, max_size=14))
def test_made_up_journals(facts: Facts) -> None:
    hold(facts)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(JOURNALS), STRANGE, st.lists(STRANGE, max_size=3), st.booleans())
def test_strange_names_and_commands_reach_no_terminal(facts: Facts, name: str, command: list[str], shell: bool) -> None:
    renamed = json.loads(json.dumps(facts))
    for fact in renamed:
        if "argv" in fact:
            fact["argv"] = ["sh", "-c", f"true; {name} {' '.join(command)}; true"] if shell else [name, *command]
        if "reason" in fact:
            fact["reason"] = name
        for process in fact.get("processes") or []:
            process |= {"name": name, "command": command, "state": process["state"] + name[:1]}
    hold(renamed)
