"""`runner check`: run a program, stop it, say whether it was graceful."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from runner.api import private
from runner.cli import terminal
from runner.cli.before import Before
from runner.cli.files import check_writable, is_stdout, write_report
from runner.cli.loading import loading
from runner.cli.running import Ran, run
from runner.cli.wishes import Output, Wish
from runner.diagnosis.printable import command_line
from runner.errors import InvalidRequest, RunnerError

if TYPE_CHECKING:
    from runner.api import Runner
    from runner.diagnosis.report import Report

_NEEDED = ("runner.diagnosis.report", "runner.diagnosis.deciding", "runner.diagnosis.text", "runner.cli.resuming")
GRACEFUL, NOT_GRACEFUL, NOT_RUN, UNDECIDED, INTERRUPTED = 0, 1, 3, 4, 130
_EXIT_CODES = {"graceful": GRACEFUL, "not-graceful": NOT_GRACEFUL, "undecided": UNDECIDED}


def check(wish: Wish, output: Output) -> int:
    """Do it, print the report, return the exit code. Raises InvalidRequest."""
    terminal.seconds("--give-up", wish.give_up)
    _check_files(output)
    several = wish.repeat is not None and wish.repeat > 1
    try:
        # The runner is left first: no program writes any more when the folders are made what they were.
        with Before(wish.checkpoints if several else ()) as before, ExitStack() as opened:
            # Its keeper starts while the rest is loaded.
            begun = private.begin()
            with loading(_NEEDED):
                from runner.api import Runner

                runner = opened.enter_context(Runner.begun(begun))
            return _series(runner, wish, output, before) if wish.repeat else _once(runner, wish, output)
    except InvalidRequest:
        raise
    except RunnerError as error:
        terminal.say(f"could not be run: {terminal.safe(str(error))}")
        return NOT_RUN
    except KeyboardInterrupt:
        # Leaving the runner has killed the job.
        # It may have come between the making of a coroutine and its hand-over to the loop.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        terminal.say("interrupted; the program was killed")
        return INTERRUPTED


def _once(runner: Runner, wish: Wish, output: Output) -> int:
    ran = run(runner, wish, wish.trigger)
    _print(output, ran.report.to_json(), lambda: _text(ran))
    _write_files(wish, output, {"": ran.report})
    return _exit_code(ran.report)


def _series(runner: Runner, wish: Wish, output: Output, before: Before) -> int:
    from runner.cli.repeating import repeat
    from runner.diagnosis import series

    ran, runs = repeat(runner, wish, wish.repeat or 1, before)
    whole = series.Series(runs)
    worst = ran[whole.worst.number - 1]
    told = {**worst.report.to_json(), **whole.to_json()}
    _print(output, told, lambda: f"{_text(worst)}\n{series.render(whole, width=terminal.width())}")
    _write_files(wish, output, {series.name(one): one.report for one in runs if whole.counts(one)})
    return _exit_code(worst.report)


def _print(output: Output, told: Mapping[str, Any], shown: Callable[[], str]) -> None:
    if output.as_json:
        print(json.dumps(told, indent=2))
    elif not any(is_stdout(file) for file in (output.html, output.junit)):
        print(shown(), end="")


def _exit_code(report: Report) -> int:
    return NOT_RUN if report.findings[0].code == "not-executed" else _EXIT_CODES[report.verdict.value]


def _text(ran: Ran) -> str:
    from runner.diagnosis import text

    shown = text.render(ran.report, width=terminal.width(), colour=terminal.has_colour(sys.stdout))
    if ran.came and ran.report.findings[0].code not in ("ended-before-stop", "not-executed"):
        return shown
    lines = ran.last_lines
    last = ["\nThe last lines that it printed:", *(f"  {terminal.safe(line)}" for line in lines)] if lines else []
    return shown + "".join(f"{line}\n" for line in last)


def _check_files(output: Output) -> None:
    """Raises InvalidRequest for a file that could not be written at the end, and for two things on stdout."""
    there = {"--json": output.as_json, "--html": is_stdout(output.html), "--junit": is_stdout(output.junit)}
    asked = [option for option, is_there in there.items() if is_there]
    if len(asked) > 1:
        raise InvalidRequest(" and ".join(asked), "only one of them can go to stdout: give the other a file")
    for option, file in (("--html", output.html), ("--junit", output.junit)):
        if file is not None:
            check_writable(file, option)


def _write_files(wish: Wish, output: Output, reports: Mapping[str, Report]) -> None:
    """`reports`: name of a run -> its report."""
    several, names = list(reports.values()), [name for name in reports if name]
    if output.html is not None:
        from runner.diagnosis import html

        write_report(output.html, html.render(several, command_line(wish.command), names), "--html")
    if output.junit is not None:
        from runner.diagnosis import junit

        write_report(output.junit, junit.render(several, names), "--junit")
