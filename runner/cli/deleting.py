"""`runner delete`: a job that has ended, with its journal and log."""

from __future__ import annotations

import json
from pathlib import Path

from runner.api import Runner, background
from runner.cli import opening
from runner.cli.opening import Target
from runner.errors import NoSupervisor


def delete(target: Target, as_json: bool) -> int:
    """Delete it; the exit code. Raises NoSuchJob, JobNotEnded, NoSupervisor, InvalidRequest."""
    with _supervisor(opening.folder_of(target.data_dir), target) as runner:
        job = opening.job(runner, target)
        job.delete()
    print(json.dumps({"kind": job.kind, "name": job.name}, indent=2) if as_json else f"{job.name} deleted")
    return 0


def _supervisor(folder: Path, target: Target) -> Runner:
    """The one that runs there. One that `submit` has started is gone when its jobs have ended, which is when they can
    be deleted: so one is started for that, but for nothing that would be refused.
    """
    try:
        return Runner.connect(folder)
    except NoSupervisor:
        with Runner.read(folder) as reader:
            job = opening.job(reader, target)
            if not job.summary()["terminal"]:
                raise opening.nobody(folder, job) from None
    return background.connected(background.Background(folder))
