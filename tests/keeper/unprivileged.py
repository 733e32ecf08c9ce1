"""Jobs of a user who may nothing: `python -m tests.keeper.unprivileged FOLDER JOBS`, run as that user by a test.

Standard library only: the test's own interpreter and its packages may be closed to that user.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from runner.backends.base import Mount, Watched
from runner.errors import IsolationUnavailable
from runner.lifecycle.stops import Isolation
from tests.keeper.bench import Bench, Room


def _run(bench: Bench, job: dict[str, Any]) -> dict[str, Any]:
    room = Room(Isolation(job["isolation"]), cgroups=True)
    mounts = [Mount(Path(source), target) for source, target in job.get("mounts", [])]
    watched = [Watched(Path(folder), folder, "model") for folder in job.get("watched", [])]
    attempt = bench.launch(job["argv"], room, mounts=mounts, watched=watched, ready=job.get("ready", "ready"))
    if "grace" in job:
        attempt.stop(job["grace"])
    attempt.wait_gone()
    return {"facts": attempt.facts(), "log": attempt.log()}


def main(folder: str, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of each job, and which isolations there are."""
    bench = Bench(Path(folder))
    try:
        answer: dict[str, Any] = {"user": os.getuid(), "default": bench.do(bench.backend.isolation(None)).value}
        try:
            bench.do(bench.backend.isolation(Isolation.PID1))
        except IsolationUnavailable as error:
            answer["refusal"] = str(error)
        answer["jobs"] = [_run(bench, job) for job in jobs]
        return answer
    finally:
        bench.close()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
