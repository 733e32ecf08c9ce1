"""The command line: what `runner` and `grace-runner` start. One module per command, imported when it is used."""

# No `from __future__ import annotations`: Typer would evaluate the text of each annotation of all commands, twice.
import gc
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from runner.errors import DataDirectoryUnusable, InvalidRequest, RunnerError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""Exit codes of every command but `check`."""

app = typer.Typer(
    name="runner",
    help="Run compilation, training and tuning jobs as real processes, stop them as SageMaker does, and see why a "
    "stop was not graceful.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _complete(context: typer.Context, incomplete: str) -> list[str]:
    """Names of jobs, for the shell. What has been typed before may say which directory and type are meant."""
    from runner.cli import completing

    found = completing.names(context.params.get("data_dir"), context.params.get("kind"))
    return [name for name in found if name.startswith(incomplete)]


def _complete_kind(incomplete: str) -> list[str]:
    """Types of jobs, for the shell."""
    from runner.jobs.base import Kind

    return [kind.value for kind in Kind if kind.value.startswith(incomplete)]


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"grace-runner {version('grace-runner')}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="RUNNER_DATA_DIR", help="Data directory.", show_default="XDG state directory"),
]


Name = Annotated[str, typer.Argument(metavar="NAME", help="The job.", autocompletion=_complete)]
OfKind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="compilation, training or tuning, if several types have a job of this name.",
        autocompletion=_complete_kind,
    ),
]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """What stands before the command."""


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
def submit(
    type_: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="compilation, training or tuning.", autocompletion=_complete_kind),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The Create request, as JSON; - for standard input.")],
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings, such as a runner.toml, of a supervisor that it starts."),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Start a job from the API's own Create request.

    Prints its name and its ARN. Where no supervisor runs in the data directory, one is started in the background, which
    leaves when its last job has ended.
    """
    import runner.cli.submit as submitting

    _exit_with(lambda: submitting.submit(submitting.Wish(type_, file, data_dir, config, json)))


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Option(help="Only compilation, training or tuning jobs.", autocompletion=_complete_kind),
    ] = None,
    resources: Annotated[
        bool, typer.Option("--resources", help="Add processes, CPU and memory in use of what runs.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List the jobs of a data directory.

    Also when no supervisor runs there. RAN is how long a job has run, uploads included.
    """
    from runner.cli import listing

    _exit_with(lambda: listing.list_jobs(listing.Wish(kind, resources, data_dir, json)))


@app.command()
def describe(name: Name, kind: OfKind = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Show a job as the API's Describe does.

    Reads the data directory also when no supervisor runs there.
    """
    from runner.cli import describing, opening

    _exit_with(lambda: describing.describe(opening.Target(name, kind, data_dir), json))


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
    kind: OfKind = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line: time and text.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print what a job prints.

    Reads the data directory also when no supervisor runs there. Control characters are shown as escapes.
    """
    from runner.cli import logs as lines
    from runner.cli.opening import Target

    _exit_with(lambda: lines.logs(lines.Wish(Target(name, kind, data_dir), follow, timestamps, json)))


@app.command()
def stop(
    name: Name,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and show what happens until then.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Kill it at once, also if it is being stopped already.")] = False,
    kind: OfKind = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Stop a job: SIGTERM, its grace, SIGKILL. Returns when the stop is on its way, or with --wait at its end.

    Exit codes: 0 done, 1 it had ended already, or with --wait has failed.
    """
    from runner.cli import stopping
    from runner.cli.opening import Target

    _exit_with(lambda: stopping.stop(stopping.Wish(Target(name, kind, data_dir), wait, now, json)))


@app.command()
def wait(name: Name, kind: OfKind = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Wait for a job's end, uploads included.

    Ctrl-C leaves the job alone. Exit codes: 0 Completed or Stopped, 1 Failed.
    """
    from runner.cli import stopping
    from runner.cli.opening import Target

    _exit_with(lambda: stopping.wait(Target(name, kind, data_dir), json))


@app.command()
def report(
    name: Name,
    kind: OfKind = None,
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

    _exit_with(lambda: reporting.report(reporting.Wish(name, kind, data_dir, json, html, junit)))


@app.command()
def delete(name: Name, kind: OfKind = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a job that has ended, with its journal and log.

    Its name is free afterwards.
    """
    from runner.cli import deleting, opening

    _exit_with(lambda: deleting.delete(opening.Target(name, kind, data_dir), json))


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
    except (InvalidRequest, DataDirectoryUnusable) as error:
        _complain(str(error))
        sys.exit(WRONG_USAGE)
    except RunnerError as error:
        _complain(str(error))
        sys.exit(FAILED)
    finally:
        # The interpreter looks for garbage on its way out, in everything that was imported: 0.04 s for nothing.
        gc.freeze()


def _exit_with(act: Callable[[], int]) -> NoReturn:
    """End with the exit code that `act` returns. A reader of its output that has enough is no error."""
    from runner.cli import pipes

    with pipes.may_close(), pipes.interruptible():
        code = act()
    raise typer.Exit(code)


def _complain(text: str) -> None:
    from runner.diagnosis.printable import lines_of

    print("runner: " + "\n".join(lines_of(text)), file=sys.stderr)
