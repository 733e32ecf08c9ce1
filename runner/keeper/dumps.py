"""What py-spy is to look at, and what it says: its JSON, its errors."""

from __future__ import annotations

import json
import os

from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set
    from typing import Any

MOST_THREADS = 20
MOST_FRAMES = 50
_LONGEST_TEXT = 300


def target(main: int, processes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of the processes of a look, the one to be asked: the main process, or the Python program nearest below it.

    The main process too if there is none, because a program may have Python built in. None without a main process.
    """
    level = [process for process in processes if process["pid"] == main]
    first = level[0] if level else None
    while level:
        for process in level:
            if _is_python(process):
                return process
        parents = {process["pid"] for process in level}
        level = [process for process in processes if process["ppid"] in parents]
    # An orphan hangs on nobody of the job.
    return next((process for process in processes if first and _is_python(process)), first)


def _is_python(process: dict[str, Any]) -> bool:
    """By the file that it executes, whatever it calls itself; by its names where that may not be seen."""
    program = procfs.read_program(process["pid"])
    names = [program] if program else [process["name"], *process["command"][:1]]
    return any("python" in os.path.basename(name) for name in names)


def threads(text: bytes, main: Set[int], running: Set[int] | None = None) -> list[dict[str, Any]]:
    """The threads of a dump, the main one first, as the journal has them; bounded.

    `main`: thread ids, any of which is that of the main thread. `running`: ids of those that run, where py-spy cannot
    tell: it takes all threads of another PID namespace for active. Raises ValueError for what is no dump.
    """
    try:
        found = [(_is_main(thread, main), thread) for thread in json.loads(text)]
        found.sort(key=lambda one: not one[0])
        return [_thread(thread, is_main, running) for is_main, thread in found[:MOST_THREADS]]
    except (LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no dump: {error!r}") from None


def _is_main(thread: dict[str, Any], main: Set[int]) -> bool:
    return thread["thread_name"] == "MainThread" or thread["os_thread_id"] in main


def _thread(thread: dict[str, Any], is_main: bool, running: Set[int] | None) -> dict[str, Any]:
    return {
        "name": _text(thread["thread_name"]),
        "main": is_main,
        "active": thread["active"] is True if running is None else thread["os_thread_id"] in running,
        "frames": [
            {"function": _text(frame["name"]), "file": _text(frame["filename"]), "line": int(frame["line"])}
            for frame in thread["frames"][:MOST_FRAMES]
        ],
    }


def _text(value: object) -> str:
    return "" if value is None else str(value)[:_LONGEST_TEXT]


def reason(text: bytes) -> str:
    """Why there is no dump, from what py-spy wrote to its stderr."""
    words = text.decode(errors="replace")
    if any(refusal in words.lower() for refusal in ("permission denied", "operation not permitted")):
        scope = procfs.ptrace_scope()
        return "py-spy may not look at this process" + (f": kernel.yama.ptrace_scope is {scope}" if scope else "")
    lines = [line.strip().removeprefix("Error: ") for line in words.splitlines()]
    said = next((line for line in lines if line), "nothing")
    return f"py-spy says: {said}"[:_LONGEST_TEXT]
