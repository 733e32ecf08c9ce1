"""Programs that there is no probe for, told apart by what they do to the tree of processes."""

from __future__ import annotations

import sys

_BEGIN = """
import _thread, ctypes, os, signal, sys, time

def tell(text):
    os.write(1, f"{text}\\n".encode())

def wait_for_ever():
    # Not pause(2), which a signal that comes just before it does not end (`workloads.probes.telling`).
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    except ValueError:
        pass  # not the main thread: no handler runs here
    while True:
        os.read(reading, 512)

def deaf_for_ever(name):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(f"{name} {os.getpid()}")
    wait_for_ever()

def polite(text="ready"):
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    tell(f"{text} {os.getpid()}")
    wait_for_ever()

def fork(act):
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid
"""


def program(text: str, *arguments: object) -> list[str]:
    """The command of a Python program that begins with the functions above."""
    return [sys.executable, "-I", "-S", "-c", _BEGIN + text, *map(str, arguments)]


LATE_WORKER = """
# Goes on after SIGTERM, and forks a deaf worker when it is asked to.
def begin(number, frame):
    fork(lambda: deaf_for_ever("worker"))

signal.signal(signal.SIGTERM, lambda number, frame: None)
signal.signal(signal.SIGUSR1, begin)
tell("ready")
wait_for_ever()
"""

CROWD = """
# Chains of three processes each, all deaf; the main process ends on SIGTERM.
def chain(depth):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if depth > 1:
        fork(lambda: chain(depth - 1))
    os.write(there, b".")
    wait_for_ever()

ends, there = os.pipe()
for _ in range(int(sys.argv[1]) // 3):
    fork(lambda: chain(3))
count = 0
while count < int(sys.argv[1]):
    count += len(os.read(ends, 4096))
polite()
"""

CRASH = """
# Dies by a fault of the processor, which PID 1 cannot escape as it can a signal, and leaves deaf children.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(int(sys.argv[1])):
    fork(lambda: deaf_for_ever("child"))
ctypes.string_at(0)
"""

ORPHANS_WHEN_ASKED = """
# Makes many orphans which end at once, and says so.
def leave(number, frame):
    for _ in range(int(sys.argv[1])):
        os.waitpid(fork(lambda: fork(lambda: None)), 0)
    tell("orphaned")

signal.signal(signal.SIGUSR1, leave)
polite()
"""

ORPHANS_THAT_END = """
# Two orphans end when they are told to: one by itself, one by a signal.
def leave(act):
    os.waitpid(fork(lambda: fork(act)), 0)

def die(number):
    signal.sigwait([signal.SIGUSR1])
    os.kill(os.getpid(), number) if number else os._exit(9)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
leave(lambda: die(0))
leave(lambda: die(signal.SIGHUP))
signal.signal(signal.SIGTERM, lambda number, frame: None)
tell("ready")
wait_for_ever()
"""

FORKING_THREAD = """
# A thread that is not the main one has a child, and goes on.
def live():
    fork(lambda: deaf_for_ever("child"))
    while True:
        time.sleep(1000)

_thread.start_new_thread(live, ())
polite()
"""

HEADLESS = """
# A child in a session of its own whose main thread ends while another goes on: it shows as a zombie.
def work():
    while True:
        time.sleep(1000)

def lose_head():
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _thread.start_new_thread(work, ())
    tell(f"child {os.getpid()}")
    exit_of_thread = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
    ctypes.CDLL(None).syscall(exit_of_thread, 0)

fork(lambda: fork(lose_head))
polite()
"""

SUBREAPER = """
# A child that is a subreaper collects an orphan that has left its session.
def orphan():
    os.setsid()
    deaf_for_ever("orphan")

def collect():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    os.waitpid(fork(lambda: fork(orphan)), 0)
    deaf_for_ever("subreaper")

fork(collect)
polite()
"""

SIBLING = """
# A child that is its parent's sibling: clone(2), CLONE_PARENT.
CLONE_PARENT, SIGCHLD = 0x8000, 17
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0:
    os.setsid()
    deaf_for_ever("sibling")
polite()
"""

MILL = """
# Orphans without end, at most a few at a time, each in a session of its own.
def leave():
    fork(lambda: os.setsid())

signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
tell("ready")
while True:
    os.waitpid(fork(leave), 0)
"""

MOVES_OUT = """
# A child that leaves its session and its cgroup.
def leave():
    os.setsid()
    with open(os.path.join(os.path.dirname(sys.argv[1]), "cgroup.procs"), "w") as procs:
        procs.write("0")
    deaf_for_ever("moved")

fork(lambda: fork(leave))
polite()
"""

OUTER = """
# Runs a keeper of its own with a job that has escapees of its own.
sys.path.insert(0, sys.argv[1])
import asyncio
from pathlib import Path
from runner.backends.base import Launch, Listener
from runner.backends.local import LocalBackend
from runner.lifecycle.stops import Isolation

environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNNER_")}

async def run(folder, isolation):
    backend = LocalBackend(folder)
    await backend.open(Listener())
    (folder / "job").mkdir()
    await backend.launch(
        Launch("inner", 1, sys.argv[4:], environment, "/", folder / "job", Isolation(isolation))
    )
    while b"ready" not in (folder / "job" / "log").read_bytes():
        await asyncio.sleep(0.01)
    tell(f"keeper {backend.keeper_pid}")
    tell("ready")
    await asyncio.sleep(1000)

folder = Path(sys.argv[2])
folder.mkdir()
asyncio.run(run(folder, sys.argv[3]))
"""

BETWEEN_MASKS = """
# No handler; blocks every signal half of the time, for as long as a fork does.
def pass_time():
    until = time.monotonic_ns() + 100_000
    while time.monotonic_ns() < until:
        pass

tell("ready")
while True:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pass_time()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    pass_time()
"""

BLOCKS_EVERYTHING = """
# Every signal is blocked for good, and SIGTERM waited for in a thread.
def wait():
    signal.sigwait([signal.SIGTERM])
    os._exit(0)

signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
_thread.start_new_thread(wait, ())
tell("ready")
wait_for_ever()
"""
