"""Runner: a supervisor for scripts, notebooks and tests.

    with Runner() as runner:
        job = runner.train(["python", "train.py"], grace=5)
        job.wait_for_log("epoch 1")
        report = job.stop()
        print(report.verdict)

It works from any thread, also beside a running event loop, and touches neither signal handlers nor children nor the
event loop of the program that uses it.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from runner import settings as configuration
from runner.api import private, requests
from runner.api.job import Job, Seconds
from runner.api.requests import Input, Objective, Paths, Training, uris
from runner.errors import InvalidRequest, NameInUse, NoSuchJob
from runner.jobs import asked
from runner.jobs.base import Defaults, Kind, Request, kind_named
from runner.jobs.types import TYPES
from runner.lifecycle.stops import Isolation
from runner.settings import Settings
from runner.supervisor.client import Client
from runner.supervisor.loop_thread import LoopThread
from runner.supervisor.verbs import Summaries, Verbs

if TYPE_CHECKING:
    from runner.backends.base import Backend
    from runner.diagnosis.report import LogLine, Report
    from runner.supervisor.service import Service

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

Maker = Callable[[Path, str], "Backend"]
"""Makes a backend from the data directory and the policy's name."""


class Runner:
    """Runs jobs: in a supervisor of its own (`Runner()`, `Runner(data_dir)`), or in one that runs (`Runner.connect`).

    Every method raises RunnerClosed after `close`, and in a forked child of the process that made the runner.
    """

    data_dir: Path
    _private: Path | None
    _verbs: Verbs
    _thread: LoopThread
    _ends: list[Callable[[], Coroutine[Any, Any, None]]]
    _is_closed: bool

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        backend: Maker | None = None,
    ) -> None:
        """Start a supervisor in this process.

        Without `data_dir` it is private: in a temporary directory, and at the end all its jobs are killed and the
        directory is removed. With one, everything in it stays, and its jobs are stopped at the end, each with its
        own grace. `backend` makes another backend than the local one from the directory and the policy's name.

        Raises DataDirectoryInUse, DataDirectoryUnusable, KeeperFailed, UnsupportedPlatform.
        """
        from runner.api import embedding

        embedding.check_machine()
        self._private = None if data_dir is not None else private.folder()
        self.data_dir = self._private or Path(data_dir or "").absolute()
        self._supervise(backend or embedding.local, settings or Settings())

    @classmethod
    def begun(cls, begun: private.Private) -> Self:
        """Start a supervisor in a private directory whose keeper is on its way. Raises KeeperFailed."""
        self = cls.__new__(cls)
        self._private = self.data_dir = begun.folder
        self._supervise(begun.backend, Settings())
        return self

    @classmethod
    def connect(cls, data_dir: str | os.PathLike[str] | None = None) -> Self:
        """Use the supervisor that runs in a data directory (default: that of `runner serve`). Raises NoSupervisor."""
        self = cls.__new__(cls)
        self._private = None
        self.data_dir = configuration.data_dir() if data_dir is None else Path(data_dir).absolute()
        self._start(Client(self.data_dir))
        return self

    @classmethod
    def read(cls, data_dir: str | os.PathLike[str] | None = None) -> Self:
        """Read a data directory in which no supervisor runs: only what needs none works. Raises NoSupervisor."""
        from runner.supervisor.offline import Offline

        self = cls.__new__(cls)
        self._private = None
        self.data_dir = configuration.data_dir() if data_dir is None else Path(data_dir).absolute()
        self._start(Offline(self.data_dir))
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the supervisor as `__init__` says, or hang up. May be called again; does nothing in a forked child."""
        if self._thread.is_inherited or self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        try:
            for end in reversed(self._ends):
                self._thread.call(end())
        finally:
            self._thread.close()
            self._remove()

    # Begin a job

    def submit(
        self,
        kind: str,
        request: Request,
        *,
        cwd: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
        checkpoints: Sequence[str | os.PathLike[str]] = (),
    ) -> Job:
        """Start a job ("compilation", "training" or "tuning") from the API's own Create request.

        `cwd` is the job's working directory; default: that of this process. `environment` is what its program
        inherits; default: that of the process in which the supervisor runs. `checkpoints`, of a training job: as for
        `train`. Raises InvalidRequest, NameInUse, IsolationUnavailable.
        """
        wanted = kind_named("kind", kind)
        if environment is None and not isinstance(self._verbs, Client):
            environment = dict(os.environ)
        folder = _folder(cwd)
        named = asked.checkpoints(checkpoints, folder)
        name = self._thread.call(self._verbs.create(wanted, request, folder, environment, named))
        return Job(self, wanted, name)

    def train(  # noqa: PLR0913 - one argument is one wish of the caller
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        grace: Seconds | None = None,
        isolation: str | Isolation | None = None,
        environment: Mapping[str, str] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        inputs: Paths | None = None,
        max_runtime: int | None = None,
        cwd: str | os.PathLike[str] | None = None,
        tags: Mapping[str, str] | None = None,
        checkpoints: Sequence[str | os.PathLike[str]] = (),
        checkpoint_uri: str | None = None,
    ) -> Job:
        """Run a command as a training job.

        `grace`: seconds from SIGTERM to SIGKILL, 120 unless the settings say otherwise. `inputs`: channel -> a file
        or folder of this machine, or an S3 URI. `max_runtime`: seconds until it is stopped. `checkpoints`: folders
        that exist, in which the program saves: what it writes there is followed, as it is in `/opt/ml` anyway, and is
        expected. Relative ones are relative to `cwd`. `checkpoint_uri`: S3 URI at which what is in
        `/opt/ml/checkpoints` is kept, and from which it is brought back (`CheckpointConfig`). Raises as `submit`.
        """
        wishes = requests.tags(grace, isolation, tags)
        name = name or f"training-{os.urandom(4).hex()}"
        channels = requests.channels(inputs, name)
        training = Training(command, environment, hyperparameters, uris(channels), max_runtime)
        asked.checkpoints(checkpoints, _folder(cwd))
        request = requests.training(name, training, wishes, checkpoint_uri)
        return self._submit(Kind.TRAINING, request, channels, cwd, checkpoints)

    def compile(  # noqa: PLR0913 - one argument is one wish of the caller
        self,
        model: str | os.PathLike[str],
        *,
        framework: str,
        name: str | None = None,
        target: str = "ml_c5",
        grace: Seconds | None = None,
        isolation: str | Isolation | None = None,
        max_runtime: int = 900,
        tags: Mapping[str, str] | None = None,
    ) -> Job:
        """Compile a model, a file of this machine or an S3 URI, for a target device. Raises as `submit`."""
        wishes = requests.tags(grace, isolation, tags)
        name = name or f"compilation-{os.urandom(4).hex()}"
        source = requests.input_of("model", model, name)
        request = requests.compilation(name, source.uri, framework, target, max_runtime)
        return self._submit(Kind.COMPILATION, {**request, "Tags": wishes}, {"model": source}, None)

    def tune(  # noqa: PLR0913 - one argument is one wish of the caller
        self,
        command: Sequence[str],
        *,
        ranges: Mapping[str, Sequence[Any]],
        objective: Objective,
        max_jobs: int,
        max_parallel: int = 1,
        strategy: str = "Random",
        name: str | None = None,
        grace: Seconds | None = None,
        isolation: str | Isolation | None = None,
        environment: Mapping[str, str] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        inputs: Paths | None = None,
        max_runtime: int | None = None,
        cwd: str | os.PathLike[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Job:
        """Search for hyperparameters: run a command as many training jobs.

        `ranges`: a tuple of two numbers is a range, of whole numbers if both are; a list is what to choose from.
        `grace` and `max_runtime` are those of each training. Raises as `submit`.
        """
        wishes = requests.tags(grace, isolation, tags)
        name = name or f"tuning-{os.urandom(4).hex()}"
        channels = requests.channels(inputs, name)
        training = Training(command, environment, hyperparameters, uris(channels), max_runtime)
        search = requests.search(ranges, objective, max_jobs, max_parallel, strategy)
        return self._submit(Kind.TUNING, requests.tuning(name, search, training, objective, wishes), channels, cwd)

    # Look after jobs

    def job(self, name: str, kind: str | None = None) -> Job:
        """A job that exists. Raises NoSuchJob, and InvalidRequest if several types have a job of this name."""
        kinds = [kind] if kind is not None else self._thread.call(self._verbs.kinds(name))
        if not kinds:
            raise NoSuchJob(f"there is no job with the name {name}")
        if len(kinds) > 1:
            raise InvalidRequest("kind", f"must be given: there are jobs named {name} of type {' and '.join(kinds)}")
        found = Job(self, kind_named("kind", kinds[0]), name)
        found.summary()
        return found

    def list(self, kind: str | None = None) -> Summaries:
        """Summaries of all jobs, or of all of one type, in the order of their creation; times in seconds since 1970."""
        return self._thread.call(self._verbs.list(None if kind is None else kind_named("kind", kind)))

    def describe(self, name: str, kind: str | None = None) -> dict[str, Any]:
        """See `Job.describe`."""
        return self.job(name, kind).describe()

    def logs(self, name: str, kind: str | None = None) -> Sequence[LogLine]:
        """See `Job.logs`."""
        return self.job(name, kind).logs()

    def wait(self, name: str, timeout: Seconds | None = None, kind: str | None = None) -> str:
        """See `Job.wait`."""
        return self.job(name, kind).wait(timeout)

    def wait_for_log(self, name: str, pattern: str, timeout: Seconds | None = 60, kind: str | None = None) -> LogLine:
        """See `Job.wait_for_log`."""
        return self.job(name, kind).wait_for_log(pattern, timeout)

    def stop(self, name: str, grace: Seconds | None = None, now: bool = False, kind: str | None = None) -> Report:
        """See `Job.stop`."""
        return self.job(name, kind).stop(grace, now)

    def report(self, name: str, kind: str | None = None) -> Report:
        """See `Job.report`."""
        return self.job(name, kind).report()

    def delete(self, name: str, kind: str | None = None) -> None:
        """See `Job.delete`."""
        self.job(name, kind).delete()

    def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine of `verbs` in the supervisor's loop."""
        return self._thread.call(coroutine)

    @property
    def verbs(self) -> Verbs:
        """What the supervisor can do, as coroutines for `call`."""
        return self._verbs

    def _supervise(self, backend: Maker, settings: Settings) -> None:
        """Start a supervisor in `data_dir`."""
        from runner.api import embedding

        try:
            options = embedding.options(settings, "named" if self._private is None else "private")
            chosen = backend(self.data_dir, options.policy.value)
            # Not before: the keeper starts meanwhile.
            from runner.supervisor.service import Service

            service = Service(self.data_dir, chosen, options)
            self._start(service)
            if self._private is None:
                self._listen(service)
        except BaseException:
            self._remove()
            raise
        if self._private is not None:
            # A named one is left to the keeper: at exit no thread can be started any more that would upload.
            atexit.register(self.close)

    def _start(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self._is_closed = False
        self._thread = LoopThread()
        self._ends = [verbs.close]
        try:
            self._thread.call(verbs.open())
        except BaseException:
            self._is_closed = True
            self._thread.close()
            raise

    def _listen(self, service: Service) -> None:
        from runner.supervisor.server import Server

        server = Server(service, self.data_dir)
        try:
            self._thread.call(server.open())
        except BaseException:
            self.close()
            raise
        # Clients may go on asking while the jobs end, but not when the directory is given up.
        self._ends += [server.close, service.finish]

    def _submit(
        self,
        kind: Kind,
        request: Request,
        inputs: Mapping[str, Input],
        cwd: str | os.PathLike[str] | None,
        checkpoints: Sequence[str | os.PathLike[str]] = (),
    ) -> Job:
        """Submit, with the inputs of this machine put into the object store before, but not for what is refused."""
        spec = TYPES[kind].parse(request, Defaults())
        if kind.value in self._thread.call(self._verbs.kinds(spec.name)):
            raise NameInUse(f"a {kind.value} job with the name {spec.name} exists already")
        for one in inputs.values():
            if one.path is not None:
                self._thread.call(self._verbs.put(str(one.path), one.uri))
        return self.submit(kind.value, request, cwd=cwd, checkpoints=checkpoints)

    def _remove(self) -> None:
        if self._private is None:
            return
        unsent = self._private / "unsent"
        if unsent.is_dir() and any(unsent.iterdir()):
            _logger.warning("what could not be uploaded is kept in %s", unsent)
        else:
            # The keeper does the same at its end.
            shutil.rmtree(self._private, ignore_errors=True)


def _folder(cwd: str | os.PathLike[str] | None) -> str:
    """The working directory of a job."""
    return os.getcwd() if cwd is None else os.path.abspath(cwd)
