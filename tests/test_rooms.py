"""The rooms of the project: who may import whom, and which doors lead out of it.

The table is that of the design, section 4. A module is in the room that its path names: `runner/keeper/journal.py`
is in `keeper`, `runner/api.py` is in `api`. Where only a part of a room may be imported, that part is named.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "runner"

WORDS = ("lifecycle.statuses", "lifecycle.stops")
"""What the faces of the project may know of `lifecycle`: its words. Not the table, and not the journal's facts."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "clock": (),
    "lifecycle": (),
    "linux": (),
    "settings": ("errors",),
    "jobs": ("errors", "lifecycle"),
    "diagnosis": ("errors", "lifecycle"),
    "tuning": ("errors", "lifecycle"),
    "keeper": ("errors", "clock", "linux", "lifecycle"),
    "backends.base": ("errors", "lifecycle"),
    # Of the keeper: what goes over its socket, and how one is started. Never what runs inside it.
    "backends.local": (
        *("errors", "clock", "lifecycle", "backends.base", "backends.starting", "keeper.protocol", "keeper.start"),
        "linux",
    ),
    "backends.starting": ("errors", "keeper.protocol", "keeper.start", "linux"),
    "backends.docker": ("errors", "clock", "lifecycle", "backends.base", "linux"),
    "records": ("errors", "clock", "lifecycle"),
    "artifacts": ("errors", "clock", "lifecycle"),
    "supervisor": ("errors", "clock", "lifecycle", "jobs", "records", "backends.base", "tuning", "artifacts"),
    "testing": ("errors", "clock", "lifecycle", "backends.base"),
    # Of the kernel: whose a connection is. Of the supervisor: the service, and what its log streams are made of.
    "wire": (
        *("errors", "clock", "settings", "jobs", "diagnosis", "supervisor.service", *WORDS),
        "supervisor.streams",  # what the service's log streams are made of
        "linux.sockets",  # whose a connection is
    ),
    "web": ("errors", "jobs", "diagnosis", "supervisor.service"),
    "api": ("errors", "clock", "settings", "jobs", "diagnosis", "supervisor", "backends", *WORDS),
    "cli": ("errors", "clock", "settings", "jobs", "diagnosis", "api", *WORDS),
    "pytest_plugin": ("errors", "diagnosis", "api", "lifecycle.stops"),
    "": ("errors", "api", "diagnosis"),  # runner/__init__.py: the public names
    "__main__": ("cli",),
}
SERVE = ("cli.serve", ("wire", "web"))
"""One command has the endpoint; the others must not load it."""

PURE = ("os", "time", "signal", "subprocess", "sqlite3", "asyncio", "threading", "socket")
"""What has a clock, a kernel or a database behind it."""

MUST_NOT_IMPORT: dict[str, tuple[str, ...]] = {
    "lifecycle": PURE,
    "diagnosis": PURE,
    "tuning": PURE,
    "jobs": ("subprocess", "sqlite3", "asyncio"),  # `signal` for the numbers behind names: 128+N is an exit code
    "records": ("subprocess", "signal", "asyncio"),
    "testing": ("subprocess", "signal"),
}

ONLY_IN: dict[str, tuple[str, ...]] = {
    "ctypes": ("linux",),
    "sqlite3": ("records",),
    "fcntl": ("linux", "keeper", "backends", "supervisor", "artifacts"),
}

SIGNALLING = ("linux", "keeper", "backends")
"""Rooms in which a pid is more than data to show."""
TO_A_PROCESS = {
    "os": (
        "kill",
        "killpg",
        "fork",
        "forkpty",
        "waitpid",
        "waitid",
        "wait",
        "wait3",
        "wait4",
        "pidfd_open",
        "posix_spawn",
    ),
    "signal": ("pidfd_send_signal", "pthread_kill"),
}
CLOCKS = {
    "time": ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "clock_gettime"),
    "datetime": ("now", "utcnow", "today"),
    "date": ("today",),
}

STANDARD_LIBRARY_ONLY = ("errors", "clock", "lifecycle", "linux", "keeper", "testing")
TOO_FAT_FOR_THE_KEEPER = (
    "typing",
    "dataclasses",
    "logging",
    "subprocess",
    "asyncio",
    "psutil",
    "sqlite3",
    "pathlib",
)
"""Each costs 0.8 to 6 MB of the keeper's 9, and slows down every fork of it."""


class Import(NamedTuple):
    """One import statement's target, with where it stands."""

    where: str
    target: str


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """`keeper.journal` for runner/keeper/journal.py; `keeper` for its `__init__`; empty for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    """The row of the table for a module, e.g. `backends.local` for `backends.local_socket`."""
    room, _, rest = module.partition(".")
    if room != "backends" or not rest:
        return room
    return next((row for row in ("backends.base", "backends.docker") if module.startswith(row)), "backends.local")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[Import]:
    """Everything that a module imports, at its top, in a function or for its types only."""
    for node in ast.walk(tree_of(path)):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Import(names=names):
                yield from (Import(where, name.name) for name in names)
            case ast.ImportFrom(module=module, names=names, level=0) if module:
                # `from runner.linux import procfs` imports a module, `from runner.errors import X` a name of one.
                yield from (Import(where, f"{module}.{name.name}") for name in names)
            case ast.ImportFrom(module=module, level=level):
                parts = path.relative_to(ROOT).with_suffix("").parts[:-level]
                yield Import(where, ".".join([*parts, *([module] if module else [])]))
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(target)), *_],
            ):
                yield Import(where, target)


def ours(target: str) -> str | None:
    """The part of a dotted name after `runner.`, or None if it is not ours."""
    package, _, rest = target.partition(".")
    return rest if package == "runner" else None


def door_of(target: str) -> str:
    """The module that a rule is about: the outermost, but `os.path` works on text alone, unlike `os`."""
    return target if target.startswith("os.path") else target.partition(".")[0]


def allowed(module: str, target: str) -> bool:
    room = room_of(module)
    rights = MAY_IMPORT[room] + (SERVE[1] if module == SERVE[0] else ())
    own = module.partition(".")[0]
    return any(target == right or target.startswith(f"{right}.") for right in (*rights, own) if right)


def uses(path: Path, table: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Attributes (`os.kill`) and imported names (`from os import kill`) of `path` that are in `table`."""
    for node in ast.walk(tree_of(path)):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        match node:
            case (
                ast.Attribute(value=ast.Name(id=owner), attr=name)
                | ast.Attribute(value=ast.Attribute(attr=owner), attr=name)
            ) if name in table.get(owner, ()):
                yield f"{where} {owner}.{name}"
            case ast.ImportFrom(module=str(owner), names=names):
                yield from (f"{where} {owner}.{name.name}" for name in names if name.name in table.get(owner, ()))


def test_the_table_has_every_room() -> None:
    assert {room_of(dotted(path)) for path in modules()} <= set(MAY_IMPORT) | {"backends"}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    refused = [
        f"{found.where} {target}"
        for found in imports(path)
        if (target := ours(found.target)) and not allowed(dotted(path), target)
    ]
    assert refused == []


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_room_keeps_away_from_the_clock_the_kernel_and_the_database(path: Path) -> None:
    room = dotted(path).partition(".")[0]
    refused = [
        f"{found.where} {found.target}"
        for found in imports(path)
        if (top := door_of(found.target)) in MUST_NOT_IMPORT.get(room, ()) or room not in ONLY_IN.get(top, (room,))
    ]
    assert refused == []


@pytest.mark.parametrize(
    "path", [path for path in modules() if room_of(dotted(path)) in STANDARD_LIBRARY_ONLY], ids=dotted
)
def test_the_rooms_below_need_the_standard_library_alone(path: Path) -> None:
    known = {*sys.stdlib_module_names, "runner"}
    refused = [
        f"{found.where} {found.target}" for found in imports(path) if found.target.partition(".")[0] not in known
    ]
    assert refused == []


@pytest.mark.parametrize(
    "path", [path for path in modules() if dotted(path).partition(".")[0] not in SIGNALLING], ids=dotted
)
def test_a_pid_is_only_data_to_show(path: Path) -> None:
    assert list(uses(path, TO_A_PROCESS)) == []


@pytest.mark.parametrize("path", [path for path in modules() if dotted(path) != "clock"], ids=dotted)
def test_time_is_read_in_one_place(path: Path) -> None:
    assert list(uses(path, CLOCKS)) == []


def test_workloads_and_probes_run_without_the_runner() -> None:
    refused = [
        f"{found.where} {found.target}"
        for path in sorted((ROOT / "workloads").rglob("*.py"))
        for found in imports(path)
        if ours(found.target) is not None
    ]
    assert refused == []


@pytest.mark.process
@pytest.mark.parametrize("module", ["runner.lifecycle.facts", "runner.lifecycle.stops", "runner.keeper.main"])
def test_the_keeper_loads_nothing_fat(module: str) -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}; print(*sys.modules)"
    slim = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=30)
    assert slim.returncode == 0, slim.stderr
    loaded = set(slim.stdout.split())
    assert module in loaded
    assert loaded & set(TOO_FAT_FOR_THE_KEEPER) == set()


_BEGINNING = """
import sys
from runner.api import private
begin = private.begin
def seen():
    print(*sys.modules, file=sys.stderr)
    return begin()
private.begin = seen
from runner.cli.main import main
sys.argv = ["runner", "check", "--after", "0", "--", "true"]
main()
"""


@pytest.mark.process
def test_a_check_begins_its_keeper_before_it_loads_the_supervisor() -> None:
    """It would have to wait for it afterwards."""
    ran = subprocess.run([sys.executable, "-c", _BEGINNING], cwd=ROOT, capture_output=True, text=True, timeout=60)
    loaded, *said = ran.stderr.splitlines()
    assert said == ["runner: the stop comes 0 s after the start; grace 120 s"]
    assert "runner.cli.check" in loaded.split()
    assert {"asyncio", "sqlite3", "runner.api.runner", "runner.supervisor"} & set(loaded.split()) == set()
