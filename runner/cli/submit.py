"""`runner submit`: start a job from the API's own Create request."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner import settings
from runner.api import Job, background
from runner.cli import members, opening, pipes, requests, terminal, wishes
from runner.cli.opening import folder_of
from runner.errors import NameInUse, NoSupervisor
from runner.jobs.base import Defaults, Kind, kind_named
from runner.jobs.types import TYPES


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    kind: str
    file: Path
    data_dir: Path | None
    config: Path | None
    as_json: bool


def submit(wish: Wish) -> int:
    """Start it, print its name; the exit code. A request that is refused starts nothing.

    Raises InvalidRequest, NameInUse, IsolationUnavailable, and what a supervisor could not be started for.
    """
    kind, folder, here = kind_named("TYPE", wish.kind), folder_of(wish.data_dir), wishes.here()
    request = requests.read(wish.file)
    members.check_known(kind, request)
    name = TYPES[kind].parse(request, Defaults()).name
    _check_free(folder, kind, name)
    if wish.config is not None:
        settings.read(wish.config)
    started: list[int] = []
    wanted = background.Background(folder, wish.config, started.append)
    with pipes.interruptible(f"interrupted; `runner describe {name}` tells whether it was started"):
        runner, job = background.submit(wanted, kind.value, request, cwd=here, environment=os.environ)
        with runner:
            arn = _arn(job, kind)
    _say_who_runs_it(started, wish.config)
    if wish.as_json:
        print(json.dumps({"kind": job.kind, "name": job.name, "arn": arn}, indent=2))
    else:
        print(f"{job.name} {arn}")
    return 0


def _check_free(folder: Path, kind: Kind, name: str) -> None:
    """Raises NameInUse as the supervisor would, before one is started for nothing."""
    with suppress(NoSupervisor):
        if kind.value in opening.answered(folder, lambda runner: runner.call(runner.verbs.kinds(name))):
            raise NameInUse(f"a {kind.value} job with the name {name} exists already")


def _arn(job: Job, kind: Kind) -> str:
    member = TYPES[kind].name_member.removesuffix("Name") + "Arn"
    return str(job.describe()[member])


def _say_who_runs_it(started: list[int], config: Path | None) -> None:
    if started:
        terminal.say(
            f"started a supervisor in the background (pid {started[-1]}): it leaves when its last job has ended, "
            f"and writes to {background.LOG_NAME} in the data directory"
        )
    elif config is not None:
        terminal.say("--config: a supervisor runs already, and keeps its own settings")
