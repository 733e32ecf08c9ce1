"""A report as a picture: places, sizes and texts of everything in it, for one format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runner.diagnosis.picture.bars import add_rows
from runner.diagnosis.picture.fitting import SANS, Label, apart, fit
from runner.diagnosis.picture.formats import Format
from runner.diagnosis.picture.marks import Lane, Moment, blocks_of, deadline_of, lanes_of, moments_of
from runner.diagnosis.picture.rows import rows_of
from runner.diagnosis.picture.scale import Scale, around_stop, ticks, told, whole
from runner.diagnosis.picture.shapes import Picture, Stroke
from runner.diagnosis.report import Report

_FLAG = 19.0
_CAPTIONS = {"signal": "seconds from SIGTERM", "stop": "seconds from the stop", "launch": "seconds from the start"}


def draw(report: Report, form: Format) -> Picture | None:
    """None if the report has no instants at all."""
    rows = rows_of(report)
    times = [entry["t"] for entry in report.timeline]
    times += [t for row in rows for t in (row.first, row.last) if t is not None]
    if not times:
        return None
    scale = _scale(report, min(times), max(times), form)
    picture = Picture(form, scale, _CAPTIONS[report.counted_from])
    y = _flags(picture, moments_of(report, scale))
    picture.top = y
    y = add_rows(picture, rows, y + 4, report.counted_from != "launch")
    y = _output(picture, report, y)
    y = _lanes(picture, lanes_of(report, scale), y)
    picture.bottom = y + 4
    _axis(picture)
    picture.strokes = [replace(stroke, bottom=picture.bottom) for stroke in picture.strokes]
    return picture


def _scale(report: Report, first: float, last: float, form: Format) -> Scale:
    if report.counted_from == "launch":
        return whole(first, last, form.left, form.right)
    return around_stop(min(first, 0.0), last, deadline_of(report), form)


def _flags(picture: Picture, moments: Sequence[Moment]) -> float:
    """The names of the vertical lines, above each other where they would meet; where the rows begin."""
    form, placed = picture.format, list[Label]()
    for moment in moments:
        label = Label(moment.x + 5, 0, moment.text, form.small, "start", kind=moment.kind)
        if label.right > form.width:
            label = replace(label, x=moment.x - 5 if moment.x - 5 >= label.width else form.width, anchor="end")
        level = 0
        while any(replace(label, y=_FLAG * (level + 1)).meets(other, 8) for other in placed):
            level += 1
        placed.append(replace(label, y=_FLAG * (level + 1)))
        picture.strokes.append(Stroke(moment.x, _FLAG * (level + 1) - form.small, 0, moment.kind))
    picture.labels += placed
    return max((label.y for label in placed), default=0.0) + 9


def _output(picture: Picture, report: Report, y: float) -> float:
    blocks = blocks_of(report, picture.scale)
    if not blocks:
        return y
    height = 26.0
    y += 8
    total = sum(span["lines"] for span in report.density)
    y = _title(picture, "1 line printed" if total == 1 else f"{total:,} lines printed", y, height)
    picture.base = y + height
    picture.blocks = [replace(block, height=round(max(block.height * height, 1.0), 1)) for block in blocks]
    return y + height + 4


def _lanes(picture: Picture, lanes: Sequence[Lane], y: float) -> float:
    if lanes:
        y += 6
    for lane in lanes:
        y = _title(picture, f"saved: {lane.role}", y, 20)
        picture.marks += [(y + 10, mark) for mark in lane.marks]
        y += 20
    kinds = {mark.kind for lane in lanes for mark in lane.marks}
    picture.saved = [kind for kind in ("complete", "removed", "temporary", "cut-off") if kind in kinds]
    return y


def _title(picture: Picture, text: str, y: float, height: float) -> float:
    """The name of a lane, before or above it; where the lane begins."""
    form = picture.format
    shown = fit(text, (form.gutter or form.width) / (SANS * form.small) - 2)
    if form.above:
        picture.labels.append(Label(0, y + 11, shown, form.small, kind="dim"))
        return y + 16
    picture.labels.append(Label(form.gutter - 12, y + height / 2 + 4, shown, form.small, "end", kind="dim"))
    return y


def _axis(picture: Picture) -> None:
    form, scale, y = picture.format, picture.scale, picture.bottom + 17
    outer = []
    if scale.parts[0].squeezed:
        outer.append(Label(form.left, y, told(scale.begin), form.small, "start", kind="tick"))
    if scale.parts[-1].squeezed:
        deadline = scale.parts[-1]
        at = deadline.begin + (deadline.end - deadline.begin) / 1.25
        outer.append(Label(scale.x(at), y, told(at), form.small, "middle", kind="tick"))
    picture.ticks = [scale.x(t) for t in ticks(scale.main, form.spacing)]
    inner = [Label(scale.x(t), y, told(t), form.small, "middle", kind="tick") for t in ticks(scale.main, form.spacing)]
    inside = [label for label in inner if label.left >= 0 and label.right <= form.width]
    picture.labels += [*outer, *apart(inside, outer, gap=10)]
    if form.above:
        picture.labels.append(Label(form.left, y + 18, picture.caption, form.small, kind="dim"))
        picture.height = y + 24
    else:
        picture.labels.append(Label(form.gutter - 26, y, picture.caption, form.small, "end", kind="dim"))
        picture.height = y + 8
