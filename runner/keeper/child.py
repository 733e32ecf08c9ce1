"""Between clone(2) and exec(2): the copy of the keeper makes itself into the job's main process.

Whatever goes wrong is told through a pipe that exec closes: nothing in it means that the program runs.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import signal
import stat

from runner.lifecycle.stops import Isolation
from runner.linux import namespaces, prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

NOT_FOUND = 127
NOT_EXECUTABLE = 126


class Plan:
    """All that the child needs to know, gathered before it exists."""

    __slots__ = (
        "argv",
        "cgroups",
        "directory",
        "environment",
        "files",
        "gid",
        "isolation",
        "keeper",
        "mounts",
        "output",
        "report",
        "spare",
        "uid",
    )

    def __init__(
        self,
        argv: Sequence[str],
        environment: dict[str, str],
        directory: str,
        isolation: Isolation,
        mounts: Sequence[tuple[str, str]],
        spare: str,
    ) -> None:
        self.argv = argv
        self.environment = environment
        self.directory = directory
        self.isolation = isolation
        self.mounts = mounts
        self.spare = spare
        """An empty folder that the child may use to build mounts in."""
        self.cgroups: list[str] = []
        """`cgroup.procs` files of the groups to join."""
        self.output = -1
        """Descriptor for stdout and stderr."""
        self.report = -1
        """Write end of the pipe for what goes wrong."""
        self.keeper = -1
        """A pidfd of the keeper."""
        self.files: tuple[int, int] = resource.getrlimit(resource.RLIMIT_NOFILE)
        """The limit of open files that the job is to have."""
        self.uid = os.getuid()
        self.gid = os.getgid()


class _Failed(Exception):
    def __init__(self, stage: str, error: OSError) -> None:
        self.stage = stage
        self.error = error


def become(plan: Plan, user_namespace: bool) -> NoReturn:
    """Become the job's main process. Never returns to the keeper's code."""
    try:
        _prepare(plan, user_namespace)
        _execute(plan)
    except _Failed as failed:
        _report(plan.report, failed.stage, failed.error)
    except OSError as error:
        _report(plan.report, "prepare", error)
    except BaseException as error:  # the keeper's own stack must never go on in a child
        _report(plan.report, "prepare", OSError(errno.EINVAL, repr(error)))
    finally:
        os._exit(NOT_FOUND)


def try_isolation(plan: Plan, user_namespace: bool) -> NoReturn:
    """Do everything but execute, and see whether it came about: single calls may succeed and later ones be refused."""
    try:
        _prepare(plan, user_namespace)
        if plan.isolation is Isolation.PID1 and os.readlink("/proc/self") != "1":
            raise OSError(errno.EPERM, "/proc does not show the new PID namespace")
        for source, target in plan.mounts:
            if not os.path.samefile(source, target):
                raise OSError(errno.EPERM, f"{target} does not show what was mounted there")
    except _Failed as failed:
        _report(plan.report, failed.stage, failed.error)
    except OSError as error:
        _report(plan.report, "isolation", error)
    except BaseException as error:  # as in become()
        _report(plan.report, "isolation", OSError(errno.EINVAL, repr(error)))
    finally:
        os._exit(0)


def _prepare(plan: Plan, user_namespace: bool) -> None:
    os.setsid()
    for group in plan.cgroups:
        with open(group, "w") as procs:
            procs.write("0")  # 0 is the writer
    if plan.isolation is Isolation.PID1:
        _isolate(plan, user_namespace)
    if plan.output >= 0:
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(plan.output, 1)
        os.dup2(plan.output, 2)
    try:
        os.chdir(plan.directory)
    except OSError as error:
        raise _Failed("working directory", error) from None
    resource.setrlimit(resource.RLIMIT_NOFILE, plan.files)


def _isolate(plan: Plan, user_namespace: bool) -> None:
    if user_namespace:
        namespaces.map_own_ids(plan.uid, plan.gid)
    namespaces.keep_mounts_private()
    for source, target in plan.mounts:
        namespaces.bind(source, target, plan.spare)
    namespaces.mount_proc()


def _execute(plan: Plan) -> None:
    # Last, because a change of credentials takes it back; then look whether the keeper died before it was in force.
    prctl.die_with_parent(signal.SIGKILL)
    watch = select.poll()
    watch.register(plan.keeper, select.POLLIN)
    if watch.poll(0):
        os._exit(NOT_FOUND)
    try:
        os.execvpe(plan.argv[0], list(plan.argv), plan.environment)
    except (OSError, ValueError) as error:
        raise _Failed("exec", error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error))) from None


def _report(fd: int, stage: str, error: OSError) -> None:
    text = json.dumps({"stage": stage, "errno": error.errno, "text": error.strerror or str(error)})
    os.write(fd, text.encode())


def explain(report: dict[str, Any], argv: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """Exit code as shells have it (127 not found, 126 found but not executable), and the reason in words."""
    program, number, text = argv[0], report["errno"], report["text"]
    if report["stage"] != "exec":
        return NOT_EXECUTABLE, f"{report['stage']}: {text}"
    if number != errno.ENOENT:
        return NOT_EXECUTABLE, f"cannot execute {program!r}: {text}"
    found = _find(program, environment)
    if found is None:
        where = "" if "/" in program else " in PATH"
        return NOT_FOUND, f"{program!r} was not found{where}"
    # The file is there: what is missing is the interpreter of its first line, or its dynamic loader.
    return NOT_FOUND, f"cannot execute {found!r}: its interpreter was not found"


def _find(program: str, environment: dict[str, str]) -> str | None:
    folders = [""] if "/" in program else environment.get("PATH", os.defpath).split(":")
    for folder in folders:
        path = os.path.join(folder, program)
        try:
            if stat.S_ISREG(os.stat(path).st_mode):
                return path
        except OSError:
            continue
    return None
