"""The picture: everything in its place, nothing on top of something else, nothing outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.diagnosis.picture.drawing import draw
from runner.diagnosis.picture.fitting import Label, cells, fit, shorten
from runner.diagnosis.picture.formats import NARROW, WIDE, Format
from runner.diagnosis.picture.marks import kind_of
from runner.diagnosis.picture.rows import MOST, rows_of
from runner.diagnosis.picture.scale import Part, around_stop, ticks, told
from runner.diagnosis.picture.shapes import Picture
from runner.diagnosis.report import Report, diagnose
from tests.diagnosis import reports
from tests.diagnosis.journals import DEAF, GOOD, MAIN, Journal

MINUS = "\N{MINUS SIGN}"
both = pytest.mark.parametrize("form", [WIDE, NARROW], ids=["wide", "narrow"])
SIGTERM = ("default", "caught", "ignored", "blocked", "waited", None)


def drawn(report: Report, form: Format = WIDE) -> Picture:
    picture = draw(report, form)
    assert picture is not None
    return picture


def texts(picture: Picture, kind: str) -> list[str]:
    return [label.text for label in picture.labels if label.kind == kind]


def assert_readable(picture: Picture) -> None:
    """No text lies on another, and nothing is outside."""
    boxes = sorted((a.left, a.right, a.top, a.bottom, a.text) for a in picture.labels)
    met = []
    for number, a in enumerate(boxes):
        for b in boxes[number + 1 :]:
            if b[0] >= a[1]:
                break
            if a[2] < b[3] and b[2] < a[3]:
                met.append((a, b))
    assert met == []
    width = picture.format.width
    outside = [label for label in picture.labels if label.left < -0.1 or label.right > width + 0.1]
    assert outside == []
    assert all(label.top >= 0 and label.bottom <= picture.height for label in picture.labels)
    left, right = picture.format.left, picture.format.right
    assert all(left <= bar.x and bar.x + bar.width <= right + 2.1 for bar in picture.bars)
    assert all(left <= stroke.x <= right for stroke in picture.strokes)
    assert all(left <= mark.begin <= mark.x <= right for _, mark in picture.marks)
    assert all(picture.top <= y <= picture.bottom for _, y in [(bar.x, bar.y) for bar in picture.bars])


@both
@pytest.mark.parametrize("make", reports.ALL.values(), ids=reports.ALL)
def test_readable(make: Callable[[], Report], form: Format) -> None:
    picture = draw(make(), form)
    assert (picture is None) == (make is reports.nothing)
    if picture is not None:
        assert_readable(picture)


@st.composite
def any_report(pick: st.DrawFn) -> Report:
    """Of a stop at any distance from the start, with any end and any processes."""
    start = -pick(st.floats(0.001, 90_000))
    grace = pick(st.sampled_from([0.0, 0.5, 5, 30, 120, 86_400]))
    lasted = pick(st.floats(0.0001, max(2.0 * grace, 1.0)))
    journal = Journal("python", "train.py", grace=grace).stop(pick(st.sampled_from([GOOD, DEAF])))
    report = diagnose((journal.exit(lasted, 0) if lasted < grace else journal.killed()).gone())
    moved = tuple(entry | {"t": start} if entry["t"] < -1 else entry for entry in report.timeline)
    count = pick(st.sampled_from([0, 1, 2, 5, MOST + 1, MOST + 2]))
    saves = pick(st.lists(st.tuples(st.floats(start, lasted), st.floats(0, 100), st.booleans()), max_size=12))
    return replace(
        report,
        timeline=moved,
        processes=tuple(_any_process(pick, number, start, lasted) for number in range(1, count + 1)),
        saves=tuple(
            reports.save(
                "/opt/ml/x", at, None if cut else min(at + took, lasted), role="model" if took < 50 else "output"
            )
            for at, took, cut in saves
        ),
        density=tuple(reports.steady(start, lasted, (lasted - start) / 40, pick(st.integers(0, 10_000_000)))),
    )


def _any_process(pick: st.DrawFn, number: int, start: float, lasted: float) -> dict[str, Any]:
    first = start if number == 1 else pick(st.floats(start, lasted))
    return reports.process(
        number,
        ppid=MAIN + pick(st.integers(0, max(number - 2, 0))) if number > 1 else 1,
        command=[pick(st.sampled_from(["sh", "/usr/bin/" + "x" * 200, "python -m 模型訓練" * 9, "é" * 50]))],
        sigterm=pick(st.sampled_from(SIGTERM)),
        first=first,
        last=max(first, lasted),
        ended=pick(st.sampled_from([None, max(first, lasted)])),
        code=pick(st.sampled_from([None, 0, 137])),
        signal=pick(st.sampled_from([None, "SIGKILL", "SIGSEGV", "SIGTERM"])),
        left_over=pick(st.booleans()),
    )


@settings(max_examples=40, deadline=None)
@given(report=any_report())
def test_readable_whatever_happened(report: Report) -> None:
    for form in (WIDE, NARROW):
        assert_readable(drawn(report, form))


# --- the axis


@both
def test_one_measure_where_that_is_readable(form: Format) -> None:
    scale = around_stop(-5.0, 10.0, 10.0, form)
    assert scale.breaks == ()
    assert scale.x(0) - scale.x(-5) == pytest.approx(scale.x(5) - scale.x(0), abs=0.2)


@both
def test_a_far_start_and_a_far_deadline_are_squeezed(form: Format) -> None:
    scale = around_stop(-3600.0, 0.8, 120.0, form)
    assert [part.squeezed for part in scale.parts] == [True, False, True]
    assert (scale.x(0.8) - scale.x(0)) / (form.right - form.left) > 0.25
    assert scale.x(-3600) == form.left
    assert scale.x(0.8) < scale.breaks[1] < scale.x(120) < form.right
    assert scale.x(-1e9) == form.left
    assert scale.x(1e9) == form.right


@settings(deadline=None)
@given(
    first=st.floats(-1e5, 0),
    last=st.floats(0, 1e5),
    deadline=st.none() | st.floats(0, 86_400),
    times=st.lists(st.floats(-1e5, 1e5)),
)
def test_time_never_runs_backwards(first: float, last: float, deadline: float | None, times: list[float]) -> None:
    scale = around_stop(first, last, deadline, WIDE)
    places = [scale.x(t) for t in sorted(times)]
    assert places == sorted(places)
    assert all(WIDE.left <= place <= WIDE.right for place in places)
    assert all(one.right == other.left and one.end == other.begin for one, other in pairwise(scale.parts))


def test_ticks_are_round() -> None:
    assert list(ticks(Part(-0.31, 1.02, 0, 600), 84)) == [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert list(ticks(Part(-5, 125, 0, 600), 84)) == [0, 20, 40, 60, 80, 100, 120]


@pytest.mark.parametrize(
    ("t", "shown"),
    [
        (0, "0"),
        (0.005, "0.005"),
        (-0.5, f"{MINUS}0.5"),
        (120, "120"),
        (-3600, f"{MINUS}60 min"),
        (86_400, "24 h"),
        (1e6, "11.5 d"),
    ],
)
def test_instants_at_ticks(t: float, shown: str) -> None:
    assert told(t) == shown


# --- the processes


def test_the_main_process_without_any_look() -> None:
    picture = drawn(reports.one())
    assert texts(picture, "name") == ["python train.py"]
    assert texts(picture, "inside") == ["has a handler"]
    assert [(bar.kind, bar.pale) for bar in picture.bars] == [("caught", True), ("caught", False)]
    assert texts(picture, "end-exit") == ["exit 0"]


def test_the_tree() -> None:
    rows = rows_of(reports.five())
    assert [(row.number, row.depth) for row in rows] == [
        ("PID 1", 0),
        ("PID 2", 1),
        ("PID 3", 2),
        ("PID 4", 2),
        ("PID 5", 1),
    ]
    assert rows[0].name == "bash run.sh"
    assert [row.end for row in rows] == ["killed", "killed", "exit", "killed", "exit"]


def test_many_processes_share_a_row() -> None:
    report = reports.forty()
    rows = rows_of(report)
    assert len(rows) == MOST + 1
    assert rows[-1].name == "and 20 more: pt_data_worker and others"
    assert sum(row.left_over for row in rows) == sum(process["left_over"] for process in report.processes)


def test_one_more_than_fits_needs_no_row_of_its_own_to_say_so() -> None:
    report = replace(reports.forty(), processes=reports.forty().processes[: MOST + 1])
    assert not any(row.name.startswith("and ") for row in rows_of(report))


def test_pids_that_are_each_others_parents_end_somewhere() -> None:
    ring = (reports.process(1), reports.process(2, ppid=MAIN + 2), reports.process(3, ppid=MAIN + 1))
    assert len(rows_of(replace(reports.five(), processes=ring))) == 3


def test_a_handler_that_was_installed_later() -> None:
    report = diagnose(Journal("python", "train.py", grace=10).stop(DEAF).look(4.0, "change", GOOD).killed().gone())
    assert [bar.kind for bar in drawn(report).bars] == ["default", "default", "caught"]


# --- lines and marks


def test_the_deadline_and_the_kill_are_one_line_where_they_are_one() -> None:
    assert [stroke.kind for stroke in drawn(reports.killed_late()).strokes] == ["signal", "kill"]
    assert texts(drawn(reports.killed_late()), "kill") == ["deadline 120 s, SIGKILL"]
    cut = diagnose(Journal("x").stop(DEAF).killed(10.0, "facts-decide").gone())
    assert [stroke.kind for stroke in drawn(cut).strokes] == ["signal", "kill", "deadline"]


def test_what_was_withheld_says_so() -> None:
    report = diagnose(Journal("x", isolation="plain").stop(DEAF, outcome="withheld").killed().gone())
    assert texts(drawn(report), "signal") == ["SIGTERM withheld"]


def test_no_line_without_a_stop() -> None:
    assert drawn(reports.never_stopped()).strokes == []


def test_files() -> None:
    picture = drawn(reports.five())
    assert [mark.kind for _, mark in picture.marks] == ["complete", "removed", "complete", "temporary", "cut-off"]
    end = picture.scale.x(10.0)
    assert picture.marks[-1][1].x == pytest.approx(end, abs=0.2)
    assert kind_of(reports.save("x", 0, 1, complete=False, cut_off=False)) == "temporary"


def test_files_in_one_place_show_the_worst() -> None:
    saves = (reports.save("a", 9.99, 10.0), reports.save("b", 9.98, None), reports.save("c", 9.9, 10.0))
    ((_, mark),) = drawn(replace(reports.five(), saves=saves)).marks
    assert (mark.kind, mark.title) == ("cut-off", "b and 2 more")


def test_output_is_a_rate() -> None:
    picture = drawn(reports.five())
    assert max(block.height for block in picture.blocks) == 26
    assert "118 lines printed" in texts(picture, "dim")
    assert drawn(reports.killed_late()).blocks == []


def test_single_lines_are_gathered_but_not_across_the_stop() -> None:
    spans = [{"t": n / 10, "seconds": 0.1, "lines": 1 if n < 0 and n % 3 == 0 else 0} for n in range(-30, 30)]
    picture = drawn(replace(reports.five(), density=tuple(spans)))
    assert 1 < len(picture.blocks) < 10
    assert max(block.right for block in picture.blocks) <= picture.scale.x(0)
    assert "10 lines printed" in texts(picture, "dim")


def test_who_was_there_before_it_was_seen() -> None:
    picture = drawn(reports.five())
    assert len(picture.leads) == 4 - 2  # two begin too near to the edge
    assert all(begin < end for begin, end, _ in picture.leads)


# --- texts


@settings(deadline=None)
@given(text=st.text(max_size=80), room=st.floats(1, 60))
def test_texts_that_are_shortened_fit(text: str, room: float) -> None:
    assert cells(fit(text, room)) <= max(room, 1)
    assert cells(shorten(text, room)) <= max(room, 1) + 0.001
    assert fit(text, 10_000) == shorten(text, 10_000)


def test_shortened_commands_keep_their_end() -> None:
    assert shorten("python -u train.py --local-rank=17", 24) == "python -u trai…l-rank=17"
    assert fit("python -u train.py --local-rank=17", 24) == "python -u train.py --lo…"


def test_labels_that_meet() -> None:
    one = Label(0, 20, "abcd", 10)
    assert one.meets(Label(20, 20, "x", 10))
    assert not one.meets(Label(40, 20, "x", 10))
    assert not one.meets(Label(0, 40, "x", 10))
    assert one.meets(Label(40, 20, "x", 10), gap=20)
