"""The words of the journal: what a keeper writes down of a job, and what each fact means for the job's life.

A journal is a file of JSON lines, one fact a line, in the order in which things were seen. Every line has

    n     number of the fact in this journal, from 1, without gaps
    t     when it happened, ns of CLOCK_MONOTONIC
    w     the same instant as ns since 1970. It never runs backwards within a journal, whatever the wall clock does
    a     attempt of the job, from 1
    fact  one of `FactName`

and the members that `FactName` lists. Members that do not apply are null; new ones may be added, none is renamed.

A process in a fact is an object with at least `pid` (as this machine sees it), `inner` (as the job sees it, the
same number where there is no namespace), `ppid`, `name`, `state` (letter of /proc/PID/stat), `sigterm`
(`Disposition`), `blocked` (SIGTERM is), `blocks_all` (every signal, as in the instant of a fork), `pending` (SIGTERM
waits to be delivered), `background` (SIGINT and SIGQUIT ignored, as a shell without job control starts what has an
`&`), `threads`, `switches` (voluntary context switches of its main thread so far), `cpu` (seconds so far) and `start`
(ticks since boot); `command` (list) and `wait` (wait channel) where they were read.

A save in a fact is an object: `path` (as the job sees it), `role` ("model", "checkpoints", "output"), `how`
("created"; "overwritten": it was there before, and is written in place; "moved-in": from outside the watched
folders), `begun`, `done` and `changed` (ns of CLOCK_MONOTONIC; `done` null: it is still open; `changed`: when it was
last seen to be written to, or null), `size` (bytes, or null), `became`
("there", "renamed", "removed"), `to` (its new path, or null), `writer` (`pid`, `inner`, `name`, or null: not known).

Slim on purpose: the keeper imports this module.
"""

from __future__ import annotations

from enum import Enum, unique

from runner.lifecycle.phases import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


@unique
class FactName(Enum):
    """What can be seen of a job."""

    LAUNCH = "launch"
    """`argv`, `isolation`, `boot` (boot id), `cgroup` (path or null), `folder`, `mark`, `grace` (s),
    `watched` (list of `role`, `path` as the job sees it, `asked`: named by whoever asked): the order, before the
    process exists."""
    STARTED = "started"
    """`pid`, `inner`, `start`: the process exists; it has not executed the program yet."""
    EXECUTED = "executed"
    """exec(2) succeeded."""
    NOT_EXECUTED = "not-executed"
    """`stage` (what was being done), `errno`, `reason`, `code` (127 not found, 126 else, as in shells)."""
    STOP = "stop"
    """`grace` (s), `deadline` (ns of CLOCK_MONOTONIC, counted from this order), `boot`, `cause`: before the signal."""
    LOOK = "look"
    """`moment` ("before": the main process before the signal; "after": all processes after it; "change": during the
    grace, when something changed; "deadline": shortly before the SIGKILL; "end": what still lives when the main
    process has ended; "asked"), `processes` (list)."""
    SIGNAL = "signal"
    """`signal` ("SIGTERM"), `pid`, `outcome` ("sent"; "withheld": `plain` emulates PID 1's rule, or the program has
    not been executed yet; "failed"), `reason`, `deadline` (ns, counted from this instant; it holds)."""
    KILL = "kill"
    """`why` (`KillReason`), `pid`: SIGKILL to the main process, and with it to all of the job."""
    ENDED = "ended"
    """`pid`, `code` (number or null), `signal` (name or null), `killer` ("runner", "other" or null if it was not
    SIGKILL), `out_of_memory` ("yes", "no", "unknown"), `cpu`: the main process ended, and how."""
    FILES = "files"
    """`moment` ("stop": just before the signal; "kill": just before our SIGKILL; "end": the main process has ended),
    `saved` (how many saves were completed so far), `bytes` (of them), `saves` (the latest that were completed, in
    order), `open` (what is being written), `read` (paths that were opened for reading), `missed` (events were lost,
    so that something may be missing here): what the job did in its watched folders. Each fact has all since the
    launch, bounded."""
    STACKS = "stacks"
    """`pid`, `inner`, `threads` (list of `name`, `main`, `active` and `frames`, innermost first, each with `function`,
    `file`, `line`), `error` (why there are none, or null): where a Python program was, shortly before the deadline."""
    TEMPORARIES = "temporaries"
    """`paths` (as the job sees them, some of `count`), `count`, `bytes`, `shared_memory` (names in /dev/shm that
    appeared while only this job ran, or null: not looked at): left behind when nothing of the job runs any more."""
    LEFT_OVER = "left-over"
    """`processes`: alive after the main process, killed for it."""
    PROCESS_ENDED = "process-ended"
    """`pid`, `inner`, `name`, `code`, `signal` (both null: it ended, how is not known): one of the other processes."""
    UNATTRIBUTED = "unattributed"
    """`processes`, `jobs` (those that may own it): an escapee of which this is one possible owner."""
    EMULATION_MISSED = "emulation-missed"
    """`plain` only: the main process died by SIGTERM, which cannot happen to a PID 1."""
    UNKILLABLE = "unkillable"
    """`processes`: SIGKILL was sent and has had no effect for a while."""
    OWNER_GONE = "owner-gone"
    """The supervisor that owned the job has ended."""
    LOST = "lost"
    """`processes`: the keeper of this job died; written by the next one after it has killed what was left."""
    GONE = "gone"
    """`log` (bytes): no process of the job is left, its output is all in the log. The last fact of an attempt."""


@unique
class KillReason(Enum):
    """Who or what asked for a SIGKILL."""

    DEADLINE = "deadline"
    NOW = "now"
    """`stop --now`, or a second signal to `serve`."""
    OWNER_GONE = "owner-gone"
    FACTS_DECIDE = "facts-decide"
    """`check` saw that waiting for the deadline would show nothing more."""
    CLOSED = "closed"
    """The private directory of an embedded runner was closed."""


def event_of(fact: Mapping[str, Any], before: Iterable[Mapping[str, Any]]) -> Event | None:
    """What a fact means for the job's life; None for most: they are evidence.

    `before` are the facts of the same attempt that came before it: how the program ended is written down when
    its main process ends, and the job's program has ended only once nothing of it is left.
    """
    name = fact["fact"]
    if name == FactName.EXECUTED.value:
        return Event.EXECUTED
    if name == FactName.LOST.value:
        return Event.LOST
    if name == FactName.GONE.value:
        return _end(before)
    return None


def _end(before: Iterable[Mapping[str, Any]]) -> Event:
    outcome = Event.LOST
    for fact in before:
        if fact["fact"] == FactName.NOT_EXECUTED.value:
            return Event.LAUNCH_FAILED
        if fact["fact"] == FactName.ENDED.value:
            outcome = Event.SUCCEEDED if fact["code"] == 0 else Event.FAILED
    return outcome
