"""What `serve` shows of the jobs that it is stopping: on a terminal until when, elsewhere that it begins and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from runner.api.serving import Verbs
from runner.cli import progress, terminal
from runner.errors import NoSuchJob
from runner.jobs.base import Kind

_SHOWN = 10
"""Jobs; of the others the number is told."""
_NAMED = 5

Jobs = Sequence[tuple[Kind, str]]


async def show(verbs: Verbs) -> None:
    """Show the stop of all jobs until this is cancelled, which means that all have ended."""
    living = [(Kind(job["kind"]), job["name"], job["grace"]) for job in await verbs.list() if not job["terminal"]]
    if not living:
        return
    jobs = [(kind, name) for kind, name, _ in living]
    grace = max((grace for kind, _, grace in living if kind is not Kind.TUNING), default=0.0)
    terminal.say(f"stopping {_named(jobs)}; SIGKILL in {grace:g} s at the latest; a second signal kills at once")
    try:
        with progress.display() as display:
            while True:
                await asyncio.sleep(display.every)
                if display.every == progress.TICK:
                    jobs = [job for job in jobs if await _lives(verbs, *job)]
                    display.show(await _lines(verbs, jobs), None)
    except asyncio.CancelledError:
        terminal.say("all jobs have ended")
        raise


async def _lives(verbs: Verbs, kind: Kind, name: str) -> bool:
    try:
        return not (await verbs.summary(kind, name))["terminal"]
    except NoSuchJob:  # deleted meanwhile
        return False


async def _lines(verbs: Verbs, jobs: Jobs) -> list[str]:
    # No turn of the loop comes between this and `_lives`, so that none of them can be deleted in between.
    found = [progress.line(await verbs.progress(kind, name)) for kind, name in jobs[:_SHOWN]]
    return [*found, *([f"and {len(jobs) - _SHOWN} more"] if len(jobs) > _SHOWN else [])]


def _named(jobs: Jobs) -> str:
    names = ", ".join(name for _, name in jobs[:_NAMED])
    more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
    return f"{len(jobs)} job{'' if len(jobs) == 1 else 's'} ({names}{more})"
