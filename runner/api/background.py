"""A supervisor of a data directory, started in the background where none runs: `python -m runner.api.background`.

It belongs to nobody's terminal, takes jobs from everyone who connects, and leaves when the last one has ended.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from typing import NamedTuple

from runner import clock
from runner import settings as configuration
from runner.api.job import Job
from runner.api.runner import Runner
from runner.errors import (
    DataDirectoryInUse,
    KeeperFailed,
    NameInUse,
    NoSupervisor,
    RunnerClosed,
    RunnerError,
)
from runner.jobs.base import Request
from runner.settings import Settings
from runner.supervisor.lock import unusable

LOG_NAME = "supervisor.log"
"""In the data directory: what such a supervisor has to say."""

_POLICY = "named"
"""If it is killed, the keeper gives every job its stop (docs/decisions/0014)."""
_PATIENCE = 10.0
"""Seconds in which a supervisor that is just beginning or just ending has done so."""
_PAUSE = 0.05


class Background(NamedTuple):
    """Where a supervisor is wanted, and what is to be done about it."""

    data_dir: Path
    config: Path | None = None
    """Settings of one that is started."""
    begun: Callable[[int], None] = lambda pid: None
    """Told the pid of one that was started."""


def connected(wanted: Background) -> Runner:
    """The supervisor that runs in the data directory, or one that is started for it.

    Raises DataDirectoryInUse when another process has the directory and does not listen, DataDirectoryUnusable,
    KeeperFailed, UnsupportedPlatform, InvalidRequest (the settings).
    """
    latest = _latest()
    in_use: DataDirectoryInUse | None = None
    while True:
        try:
            return Runner.connect(wanted.data_dir)
        except NoSupervisor as nobody:
            if clock.monotonic_ns() > latest:
                raise in_use or nobody from None
        try:
            wanted.begun(begin(wanted.data_dir, wanted.config))
        except DataDirectoryInUse as error:
            # It is just beginning, and will listen, or just ending, and will give up its lock.
            in_use = error
            time.sleep(_PAUSE)


def submit(
    wanted: Background, kind: str, request: Request, *, cwd: Path, environment: Mapping[str, str]
) -> tuple[Runner, Job]:
    """Start a job in such a supervisor; the caller closes the runner.

    A supervisor that is just leaving refuses the job before anything of it is on record: then the next one gets it.
    Raises what `connected` and `Runner.submit` raise, and RunnerClosed if it goes on ending.
    """
    latest = _latest()
    unanswered = False
    while True:
        runner = connected(wanted)
        try:
            return runner, runner.submit(kind, request, cwd=cwd, environment=environment)
        except (NoSupervisor, RunnerClosed) as error:
            runner.close()
            unanswered = unanswered or isinstance(error, NoSupervisor)
            if clock.monotonic_ns() > latest:
                raise
            time.sleep(_PAUSE)
        except NameInUse as error:
            runner.close()
            if unanswered:
                raise NameInUse(f"{error}; it may be this one, for its supervisor ended before it answered") from None
            raise
        except BaseException:
            runner.close()
            raise


def begin(data_dir: Path, config: Path | None = None) -> int:
    """Start a supervisor in the background; returns its pid once it listens. Raises what it could not begin for."""
    reading, writing = os.pipe()
    try:
        with _log(data_dir) as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "runner.api.background", str(writing), str(data_dir), *_path(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Where the package is found, whether or not it is installed. The supervisor leaves it at once.
                cwd=Path(__file__).resolve().parent.parent.parent,
                pass_fds=[writing],
                start_new_session=True,
            )
            # It outlives this process, which is not going to wait for it.
            started.returncode = 0
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    with open(reading, encoding="utf-8") as answers:
        line = answers.readline()
    answer = json.loads(line) if line else {}
    if "error" in answer:
        from runner.supervisor.protocol import heard

        raise heard(answer["error"])
    if "pid" not in answer:
        raise KeeperFailed(f"a supervisor of {data_dir} could not be started: see {LOG_NAME} there")
    return int(answer["pid"])


def main() -> None:
    """The supervisor's process. A line of JSON on the descriptor that it is told says that it listens, or why not."""
    answers, data_dir, *config = sys.argv[1:]
    os.set_inheritable(int(answers), False)
    os.chdir("/")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("runner.supervisor.background").setLevel(logging.INFO)
    file = open(int(answers), "wb", buffering=0)  # noqa: SIM115 - closed with its only line

    def tell(answer: Mapping[str, object]) -> None:
        # Whoever has started it may have been interrupted.
        with suppress(BrokenPipeError), file:
            file.write(json.dumps(answer).encode() + b"\n")

    try:
        _serve(Path(data_dir), [Path(path) for path in config], lambda: tell({"pid": os.getpid()}))
    except RunnerError as error:
        from runner.supervisor.protocol import told

        logging.error("%s", error)
        if not file.closed:
            tell({"error": told(error)})
        sys.exit(1)


def _serve(data_dir: Path, config: list[Path], ready: Callable[[], None]) -> None:
    import asyncio

    from runner.api import embedding

    embedding.check_machine()
    from runner.supervisor import background

    settings = configuration.read(config[0]) if config else Settings()
    options = embedding.options(settings, _POLICY)
    asyncio.run(background.serve(data_dir, embedding.local(data_dir, _POLICY), options, ready))


def _log(data_dir: Path) -> BufferedWriter:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(data_dir / LOG_NAME, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))
    except OSError as error:
        raise unusable(data_dir, error) from error


def _path(config: Path | None) -> list[str]:
    return [] if config is None else [str(config.absolute())]


def _latest() -> int:
    return clock.monotonic_ns() + round(_PATIENCE * 1e9)


if __name__ == "__main__":
    main()
