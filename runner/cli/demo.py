"""`runner demo`: a real compilation and a real tuning job side by side, both stopped while they run."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib import resources, util
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.api import Job, Objective, Runner
from runner.cli.terminal import safe
from runner.diagnosis import text
from runner.diagnosis.report import Report

TRAININGS = 4
GRACE = 20
_PATIENCE = 120
_COMPILED = r"^compiled \d+/"


def demo() -> int:
    """Show it on the terminal; the exit code."""
    console = Console(highlight=False)
    missing = [name for name in ("treelite", "tl2cgen") if util.find_spec(name) is None]
    if missing:
        console.print(f"The compilation needs {' and '.join(missing)}: pip install 'grace-runner[trees]'")
        return 1
    with Runner() as runner:
        done = _run(runner, console)
        data_dir = runner.data_dir
    return done or _print_left(console, data_dir)


def _run(runner: Runner, console: Console) -> int:
    model = resources.files("workloads.compilation") / "models" / "digits-xgboost.tar.gz"
    with resources.as_file(model) as path:
        compilation = runner.compile(path, framework="XGBOOST", name="digits-trees", grace=GRACE)
    tuning = runner.tune(
        [sys.executable, "-m", "workloads.training.digits"],
        name="digits-search",
        ranges={"learning-rate": (0.01, 1.0)},
        hyperparameters={"epoch-seconds": 0.5},
        objective=Objective("accuracy", r"accuracy=([0-9.]+)", "Maximize"),
        max_jobs=20,
        max_parallel=TRAININGS,
        grace=GRACE,
    )
    console.print("A compilation of 2,400 trees, and a tuning job with four trainings: until both are in the middle …")
    if not _in_the_middle(compilation, tuning, console):
        return 1
    console.print("… stop both.\n")
    jobs = [compilation, tuning, *tuning.trainings()]
    for job in (compilation, tuning):
        job.stop(wait=False)
    for job in (compilation, tuning):
        job.wait(timeout=_PATIENCE)
    _print_histories(console, jobs)
    _print_stops(console, [(job, job.report()) for job in jobs if job is not tuning])
    return 0


def _in_the_middle(compilation: Job, tuning: Job, console: Console) -> bool:
    """Until some files are compiled and every training has shown a metric."""
    from runner.errors import JobEnded

    try:
        for training in tuning.trainings(at_least=TRAININGS)[:TRAININGS]:
            console.print(f"  {training.name}: {safe(training.wait_for_log('accuracy=', timeout=_PATIENCE).text)}")
        console.print(f"  {compilation.name}: {safe(compilation.wait_for_log(_COMPILED, timeout=_PATIENCE).text)}")
    except JobEnded as error:
        console.print("A job has ended too early:")
        for line in str(error).splitlines():
            console.print(Text(f"  {safe(line)}"))
        return False
    return True


def _print_histories(console: Console, jobs: list[Job]) -> None:
    table = Table("job", "status", "since", title="Status history", title_justify="left", box=None, pad_edge=False)
    for job in jobs:
        name = job.name
        for entry in _history(job):
            table.add_row(name, entry["status"], _clock(entry["start"]))
            name = ""
    console.print(table)
    console.print()


def _history(job: Job) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = job.detail()["transitions"]
    return history


def _print_stops(console: Console, reports: list[tuple[Job, Report]]) -> None:
    console.print("Signals and exits, in seconds from each job's SIGTERM")
    for job, report in reports:
        console.print(Text(f"{job.name}: {report.verdict.value}", style="bold"))
        for line in text.story(report, width=console.width):
            console.print(Text(line))
    console.print()


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _print_left(console: Console, data_dir: Path) -> int:
    """What is left of the jobs, looked for from outside."""
    processes = [str(process.pid) for process in psutil.process_iter() if _is_of(process, data_dir)]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(data_dir) in line]
    folders = [str(data_dir)] if data_dir.exists() else []
    left = {"processes": processes, "mounts": mounts, "folders": folders}
    console.print("What is left: " + "; ".join(f"{what}: {', '.join(found) or 'none'}" for what, found in left.items()))
    return 1 if any(left.values()) else 0


def _is_of(process: psutil.Process, data_dir: Path) -> bool:
    try:
        return process.environ().get("RUNNER_MARK", "").startswith(str(data_dir))
    except psutil.Error:
        return False
