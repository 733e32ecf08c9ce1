"""`--repeat`: a series of runs, each stopped at another moment."""

from __future__ import annotations

from collections.abc import Iterator

from runner.api import Runner
from runner.cli import terminal
from runner.cli.before import Before
from runner.cli.running import Ran, run
from runner.cli.triggers import After, AtRandom, Trigger
from runner.cli.wishes import Wish
from runner.diagnosis import moments, series
from runner.diagnosis.moments import Moment, Where
from runner.diagnosis.series import Run

_NO_PROGRAM = frozenset({"not-executed", "not-ended", "keeper-lost"})


def repeat(runner: Runner, wish: Wish, times: int, before: Before) -> tuple[list[Ran], list[Run]]:
    """So many runs, in order; fewer if the first one shows that there is nothing to repeat."""
    ran: list[Ran] = []
    runs: list[Run] = []
    for trigger, where in _plan(wish, times, ran):
        if ran:
            before.back()
        ran.append(run(runner, wish, trigger))
        runs.append(_run(ran[-1], len(ran), where))
        terminal.say(series.line(runs[-1], times))
        if len(ran) < times and (why := _hopeless(ran[-1])):
            terminal.say(f"no more runs: {why}")
            break
    return ran, runs


def _plan(wish: Wish, times: int, ran: list[Ran]) -> Iterator[tuple[Trigger, Where]]:
    """When each run is to be stopped. Without seconds to go by, the first run tells how long things take."""
    if isinstance(wish.trigger, After):
        yield from ((After(moment.at), moment.where) for moment in moments.evenly(times, wish.trigger.seconds))
    elif isinstance(wish.trigger, AtRandom):
        yield from ((wish.trigger.drawn(), Where.RUN) for _ in range(times))
    else:
        yield wish.trigger, Where.TRIGGER
        yield from ((After(moment.at), moment.where) for moment in _learned(times - 1, ran[0]))


def _learned(count: int, first: Ran) -> list[Moment]:
    scale = moments.learn(first.job.facts(), first.first_line)
    return [] if scale is None else moments.spread(count, scale)


def _run(ran: Ran, number: int, where: Where) -> Run:
    executed = next((fact["w"] for fact in ran.job.facts() if fact["fact"] == "executed"), None)
    first = ran.first_line
    printed = None if first is None or executed is None else max((first - executed) / 1e9, 0.0)
    return Run(number, where, ran.report, printed)


def _hopeless(ran: Ran) -> str:
    """Why another run would show nothing. Empty: it would."""
    if not ran.came:
        return "the trigger did not come"
    code = ran.report.findings[0].code
    if code in _NO_PROGRAM:
        return "the program does not run"
    failed = ran.report.exit.code != 0 or ran.report.exit.signal is not None
    return "the program fails by itself" if code == "ended-before-stop" and failed else ""
