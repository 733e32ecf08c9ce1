"""Facts about files and stacks -> values. As in `reading`, nothing raises for a fact that is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.diagnosis.files import Files, Folder, Save, Temporaries, Writer
from runner.diagnosis.members import Fact, number, objects, text, text_or_none, texts
from runner.diagnosis.printable import printable
from runner.diagnosis.stacks import Frame, Stack


def watched(launch: Fact | None) -> tuple[Folder, ...]:
    if launch is None:
        return ()
    return tuple(
        Folder(text(item.get("role")), text(item.get("path")), item.get("asked") is True)
        for item in objects(launch.get("watched"))
    )


def files(facts: Sequence[Fact]) -> Mapping[str, Files]:
    """By their moments."""
    return {text(fact.get("moment")): _files(fact) for fact in facts}


def stacks(facts: Sequence[Fact]) -> tuple[Stack, ...]:
    """All threads, the main one of each process first."""
    found = [_stack(fact, thread) for fact in facts for thread in objects(fact.get("threads"))]
    return tuple(sorted(found, key=lambda stack: not stack.main))


def temporaries(fact: Fact | None) -> Temporaries | None:
    if fact is None:
        return None
    shared = fact.get("shared_memory")
    return Temporaries(
        paths=tuple(printable(path) for path in texts(fact.get("paths"))),
        how_many=number(fact.get("count")) or 0,
        size=number(fact.get("bytes")) or 0,
        shared_memory=None if shared is None else tuple(printable(name) for name in texts(shared)),
    )


def _files(fact: Fact) -> Files:
    return Files(
        saved=number(fact.get("saved")) or 0,
        size=number(fact.get("bytes")) or 0,
        saves=tuple(_save(item) for item in objects(fact.get("saves"))),
        open=tuple(_save(item) for item in objects(fact.get("open"))),
        read=tuple(printable(path) for path in texts(fact.get("read"))),
        missed=fact.get("missed") is True,
    )


def _save(item: Mapping[str, Any]) -> Save:
    return Save(
        path=text(item.get("path")),
        role=text(item.get("role")),
        how=text(item.get("how")),
        begun=number(item.get("begun")),
        done=number(item.get("done")),
        size=number(item.get("size")),
        became=text(item.get("became")),
        to=text_or_none(item.get("to")),
        writer=_writer(item.get("writer")),
        changed=number(item.get("changed")),
    )


def _writer(item: object) -> Writer | None:
    if not isinstance(item, Mapping) or number(item.get("pid")) is None:
        return None
    pid = number(item.get("pid")) or 0
    return Writer(pid, number(item.get("inner")) or pid, text(item.get("name")) or "a process")


def _stack(fact: Fact, thread: Mapping[str, Any]) -> Stack:
    pid = number(fact.get("pid")) or 0
    return Stack(
        pid=pid,
        inner=number(fact.get("inner")) or pid,
        thread=text(thread.get("name")),
        main=thread.get("main") is True,
        active=thread.get("active") is True,
        frames=tuple(
            Frame(text(frame.get("function")), text(frame.get("file")), number(frame.get("line")))
            for frame in objects(thread.get("frames"))
        ),
    )
