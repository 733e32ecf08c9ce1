"""The command line: what `runner` and `grace-runner` start. One module per command, imported when it is used."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from runner.errors import InvalidRequest, RunnerError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""Exit codes of every command but `check`."""

app = typer.Typer(
    name="runner",
    help="Run compilation, training and tuning jobs as real processes, stop them as SageMaker does, and see why a "
    "stop was not graceful.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="RUNNER_DATA_DIR", help="Data directory.", show_default="XDG state directory"),
]


@app.command(context_settings={"allow_interspersed_args": False})
def check(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND...", help="The program and its arguments, after `--`.")
    ],
    grace: Annotated[float, typer.Option(help="Seconds from SIGTERM to SIGKILL.")] = 120.0,
    after: Annotated[float | None, typer.Option(help="Stop so many seconds after the start.")] = None,
    when_log: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Stop when a line of its output matches.")
    ] = None,
    when_file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Stop when this file appears or changes.")
    ] = None,
    at_random: Annotated[
        float | None, typer.Option(metavar="S", help="Stop at a random moment of the first S seconds.")
    ] = None,
    give_up: Annotated[float, typer.Option(help="Seconds after which a trigger that has not come ends it.")] = 600.0,
    isolation: Annotated[
        str | None, typer.Option(help="pid1 or plain; without it the most faithful that works here.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder in which the program saves, besides /opt/ml. May be repeated."),
    ] = None,
    full_grace: Annotated[bool, typer.Option("--full-grace", help="Wait for the deadline in any case.")] = False,
    repeat: Annotated[
        int | None, typer.Option(metavar="N", help="N runs, the stops spread over the run; the worst one counts.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Start it again after the stop: does it go on from its checkpoint?")
    ] = False,
    resumed: Annotated[
        str | None, typer.Option(metavar="REGEX", help="With --resume: the line that it prints when it goes on.")
    ] = None,
    load: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="With --resume: a shell command that reads the checkpoint $1."),
    ] = None,
    json: Json = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one HTML file.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JUnit XML.")] = None,
) -> None:
    """Run a program, stop it as SageMaker would, and say whether it was graceful, and if not, why.

    Without a trigger the stop comes 5 s after the first line of output, or 15 s after the start.

    With --repeat the exit code is that of the worst run.

    Exit codes: 0 graceful, 1 not graceful, 2 wrong usage, 3 could not be run, 4 undecided.
    """
    import runner.cli.check as checking
    from runner.cli import triggers, wishes

    wish = wishes.Wish(
        command=command,
        grace=grace,
        trigger=triggers.trigger_of(after, when_log, when_file, at_random),
        give_up=give_up,
        isolation=isolation,
        full_grace=full_grace,
        cwd=wishes.here(),
        checkpoints=wishes.folders(checkpoint or ()),
        repeat=wishes.repetitions(repeat),
        resume=wishes.resume_of(resume, resumed, load),
    )
    raise typer.Exit(checking.check(wish, wishes.Output(json, html, junit)))


@app.command()
def serve(
    data_dir: DataDir = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings, such as a runner.toml; without it the defaults.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of the loopback to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8770,
    services: Annotated[
        str, typer.Option(metavar="NAMES", help="More of AWS on the same port: some of s3,sts,iam (extra `aws`).")
    ] = "",
) -> None:
    """Be SageMaker for AWS clients on this machine, and a supervisor for other programs (`Runner.connect`).

    SIGTERM or Ctrl-C stops every job with its own grace and then ends; a second one kills them.
    """
    import runner.cli.serve as serving

    raise typer.Exit(serving.serve(data_dir, config, host, port, services))


@app.command()
def report(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job.")],
    kind: Annotated[
        str | None, typer.Option(help="compilation, training or tuning, if several types have a job of this name.")
    ] = None,
    json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that needs nothing else; - for stdout.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML; - for stdout.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Say how a job was stopped, and if that was not graceful, why.

    Reads the data directory also when no supervisor runs there. Of a tuning job: all trainings that it launched.
    """
    import runner.cli.report as reporting

    raise typer.Exit(reporting.report(reporting.Wish(name, kind, data_dir, json, html, junit)))


@app.command()
def demo() -> None:
    """Stop a real compilation and a real tuning job while they run, and watch what happens."""
    import runner.cli.demo as showing

    raise typer.Exit(showing.demo())


def main() -> None:
    """The console script. Errors that have an explanation are printed without a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a program has printed may have no place in the terminal's encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except InvalidRequest as error:
        _complain(str(error))
        sys.exit(WRONG_USAGE)
    except RunnerError as error:
        _complain(str(error))
        sys.exit(FAILED)
    finally:
        # The interpreter looks for garbage on its way out, in everything that was imported: 0.04 s for nothing.
        gc.freeze()


def _complain(text: str) -> None:
    print(f"runner: {text}", file=sys.stderr)
