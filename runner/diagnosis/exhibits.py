"""The evidence as a report shows it: processes, saves, lines and stacks, with times in seconds from the stop."""

from __future__ import annotations

from collections.abc import Sequence

from runner.diagnosis import saving
from runner.diagnosis.log import Line, Log
from runner.diagnosis.printable import clipped, printable
from runner.diagnosis.stacks import Stack
from runner.diagnosis.story import Process, ProcessEnd, Story
from runner.diagnosis.timeline import Entry, process_entry

_BEFORE, _AFTER, _LAST = 10, 20, 10
"""Lines that are shown: the last ones before the signal, the first after it, and the last of all."""
_SPANS = 60
_LONGEST_LINE = 300
_MOST_PROCESSES = 200


def processes_of(story: Story) -> tuple[Entry, ...]:
    """See `Report.processes`."""
    seen: dict[tuple[int, int | None], list[tuple[int, Process]]] = {}
    for look in story.looks:
        for process in look.processes:
            seen.setdefault(process.identity, []).append((look.ns, process))
    ended = story.ended.ns if story.ended else None
    for process in story.left_over:
        at = ended if ended is not None else story.zero or 0
        seen.setdefault(process.identity, []).append((at, process))
    entries = [_process(found, story) for found in seen.values()]
    entries.sort(key=lambda entry: (not entry["main"], entry["first"], entry["inner"]))
    return tuple(entries[:_MOST_PROCESSES])


def _process(seen: Sequence[tuple[int, Process]], story: Story) -> Entry:
    first, last = seen[0], seen[-1]
    known = next((p for _, p in seen if p.command), first[1])
    main = story.is_main(known)
    end = _end_of(known, story)
    began = story.launched if main and story.launched is not None else first[0]
    shown = process_entry(known)
    del shown["state"]  # of one moment; this is about all of them
    return shown | {
        "ppid": known.ppid,
        "sigterm": _at_signal(seen, story),
        "main": main,
        "first": _t(began, story),
        "last": _t(last[0], story),
        "ended": None if end is None else _t(end.ns, story),
        "code": None if end is None else end.code,
        "signal": None if end is None else end.signal,
        "left_over": any(known.identity == left.identity for left in story.left_over),
    }


def _end_of(process: Process, story: Story) -> ProcessEnd | None:
    if story.is_main(process):
        ended = story.ended
        return None if ended is None else ProcessEnd(ended.ns, process.pid, ended.code, ended.signal)
    return next((end for end in story.process_ends if end.pid == process.pid), None)


def _at_signal(seen: Sequence[tuple[int, Process]], story: Story) -> str | None:
    if story.is_main(seen[0][1]) and story.at_signal is not None:
        return story.at_signal.value
    known = [p for _, p in seen if p.sigterm is not None]
    found = next((p.sigterm for p in known if p.takes), known[0].sigterm if known else None)
    return None if found is None else found.value


def saves_of(story: Story) -> tuple[Entry, ...]:
    """See `Report.saves`."""
    cut = {save.key for save in saving.cut_off(story)}
    last = story.last_files
    known = {save.key for save in (*last.saves, *last.open)}
    lost = [save for save in saving.cut_off(story) if save.key not in known]
    return tuple(
        {
            "path": save.path,
            "role": save.role,
            "how": save.how,
            "begun": None if save.begun is None else _t(save.begun, story),
            "done": None if save.done is None else _t(save.done, story),
            "size": save.size,
            "became": save.became or None,
            "to": save.to,
            "writer": None if save.writer is None else f"{save.writer.name} (PID {save.writer.inner})",
            "complete": save.complete and save.key not in cut,
            "cut_off": save.key in cut,
        }
        for save in (*last.saves, *last.open, *lost)
    )


def lines_of(log: Log) -> tuple[Entry, ...]:
    """See `Report.lines`."""
    after = log.after
    shown = [*log.before[-_BEFORE:], *after[:_AFTER], *after[max(_AFTER, len(after) - _LAST) :]]
    return tuple({"t": round(line.t, 3), "text": clipped(line.text, _LONGEST_LINE)} for line in shown)


def density_of(log: Log) -> tuple[Entry, ...]:
    """See `Report.density`: at most 60 spans of one length, those without a line included."""
    lines: tuple[Line, ...] = log.lines
    if not lines:
        return ()
    begin, end = lines[0].t, lines[-1].t
    length = max((end - begin) / _SPANS, 0.001)
    counts = [0] * (min(int((end - begin) / length), _SPANS - 1) + 1)
    for line in lines:
        counts[min(int((line.t - begin) / length), len(counts) - 1)] += 1
    return tuple(
        {"t": round(begin + number * length, 3), "seconds": round(length, 6), "lines": count}
        for number, count in enumerate(counts)
    )


def stack_of(story: Story) -> tuple[Entry, ...]:
    """See `Report.stack`."""
    return tuple(
        {
            "process": _named(stack, story),
            "thread": stack.thread,
            "main": stack.main,
            "active": stack.active,
            "frames": [frame._asdict() for frame in stack.frames],
        }
        for stack in story.stacks
    )


def temporaries_of(story: Story) -> Entry | None:
    """See `Report.temporaries`."""
    found = story.temporaries
    if found is None:
        return None
    return {
        "paths": list(found.paths),
        "count": found.how_many,
        "bytes": found.size,
        "shared_memory": None if found.shared_memory is None else list(found.shared_memory),
    }


def _named(stack: Stack, story: Story) -> str:
    names = (p.name for look in story.looks for p in look.processes if p.pid == stack.pid)
    return printable(f"{next(names, 'python')} (PID {stack.inner})")


def _t(ns: int, story: Story) -> float:
    return round(story.since_zero(ns), 6)
