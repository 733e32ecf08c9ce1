"""The processes of a picture: a name, a bar and an end for each."""

from __future__ import annotations

from collections.abc import Sequence

from runner.diagnosis.picture.fitting import MONO, SANS, Label, fit, shorten
from runner.diagnosis.picture.formats import DEEPEST
from runner.diagnosis.picture.rows import DOES, Row, does_of, kind_of_bar
from runner.diagnosis.picture.shapes import Bar, End, Picture

_LEGEND_ENDS = {
    "exit": "exit",
    "signal": "ended by a signal",
    "crashed": "crashed",
    "killed": "killed",
    "ended": "ended",
    "runs": "still runs",
}


def add_rows(picture: Picture, rows: Sequence[Row], y: float, stopped: bool) -> float:
    """Names, bars and ends of the processes; where they end."""
    form, before = picture.format, list[Row]()
    for row in rows:
        _name(picture, row, y, _reach(row, before) * form.row)
        top = y + form.row - form.bar - 6 if form.above else y + (form.row - form.bar) / 2
        says = not before or before[-1].sigterm != row.sigterm
        _bar(picture, row, top, stopped, says)
        before.append(row)
        y += form.row
    seen = {kind_of_bar(kind) for row in rows for kind in (row.sigterm, *(does for _, does in row.changes))}
    picture.dispositions = [(kind, does) for kind, does in DOES.items() if kind in seen]
    picture.endings = [(kind, text) for kind, text in _LEGEND_ENDS.items() if any(row.end == kind for row in rows)]
    return y


def _reach(row: Row, before: Sequence[Row]) -> float:
    """How many rows its corner of the tree reaches up: to the sibling before it, or to below its parent's name."""
    for back, other in enumerate(reversed(before), start=1):
        if other.depth <= row.depth:
            return back if other.depth == row.depth else back - 0.4
    return 0


def _name(picture: Picture, row: Row, y: float, reach: float) -> None:
    form = picture.format
    depth = min(row.depth, DEEPEST)
    line = y + 12 if form.above else y + form.row / 2 + 4
    x = depth * form.indent
    right = form.width - 1 if form.above else form.gutter - 12
    if form.above and row.told:
        end = Label(right, line, fit(row.told, 14), form.small, "end", kind=f"end-{row.end}")
        picture.labels.append(end)
        right = end.left - 9
    number = Label(right, line, row.number, form.small, "end", mono=True, kind="dim")
    if row.number:
        picture.labels.append(number)
        right = number.left - 9
    name = shorten(row.name, (right - x) / (MONO * form.size))
    picture.labels.append(Label(x, line, name, form.size, mono=True, kind="name"))
    if depth and reach and not form.above:
        picture.branches.append((x - 9, line - 4, reach))


def _bar(picture: Picture, row: Row, y: float, stopped: bool, says: bool) -> None:
    """Its pieces: paler before the stop, and in another colour since it has done something else with SIGTERM."""
    if row.first is None or row.last is None:
        return
    form, scale = picture.format, picture.scale
    left, right = scale.x(row.first), scale.x(max(row.last, row.first))
    right = max(right, left + 2.0)
    turn = min(max(scale.x(0), left), right) if stopped else left
    pieces = [(left, row.sigterm, True), (turn, row.sigterm, False)]
    pieces += [(min(max(scale.x(t), turn), right), does, False) for t, does in row.changes]
    for (begin, kind, pale), end in zip(pieces, [*(piece[0] for piece in pieces[1:]), right], strict=True):
        if end > begin:
            title = f"{row.name} {row.number}: {does_of(kind)}" + (f", {row.told}" if row.told else "")
            picture.bars.append(Bar(begin, y, round(end - begin, 1), form.bar, kind_of_bar(kind), pale, title))
    middle = y + form.bar / 2
    if row.earlier and left - form.left > 6:
        picture.leads.append((max(left - 22, form.left), left, middle))
    said = Label(turn + 7, middle + 3.8, does_of(row.sigterm), form.small - 0.5, kind="inside")
    room = pieces[2][0] if len(pieces) > 2 else right
    if says and row.sigterm is not None and said.right + 10 < room:
        picture.labels.append(said)
    picture.ends.append(End(right, middle, row.end))
    cells_left = (form.width - right - 9) / (SANS * form.small)
    if row.told and cells_left > 3 and not form.above:
        told_end = fit(row.told, cells_left)
        picture.labels.append(Label(right + 9, middle + 4, told_end, form.small, kind=f"end-{row.end}"))
