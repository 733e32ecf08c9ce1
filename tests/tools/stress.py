"""`make stress` and its like: the tests with a marker many times over, on an idle machine and beside busy loops.

`process`, every test that starts processes, takes hours and has no limit of time (docs/decisions/0008). A test that
passes nineteen times in twenty is a wrong test or a wrong program: one failure ends the run with 1.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TIMES = 20
WORKERS = 4
LIMIT = 20 * 60.0
"""Seconds for both rounds together; what is not done by then has failed."""


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep `loops` processors busy meanwhile."""
    burners = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def round_of_tests(marker: str, arguments: list[str], seconds: float | None) -> int:
    """Run the tests with this marker until one fails; pytest's exit code, or 1 if they take longer than `seconds`."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        marker,
        "--repeat-each",
        str(TIMES),
        "-n",
        str(WORKERS),
        "-q",
        "-x",
    ]
    tests = subprocess.Popen([*command, *arguments])
    try:
        return tests.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"stress: not done within {LIMIT / 60:.0f} minutes", flush=True)
        tests.send_signal(signal.SIGINT)  # it tells what has failed so far
        with suppress(subprocess.TimeoutExpired):
            tests.wait(60)
        tests.kill()
        return 1


def main(marker: str, *arguments: str) -> int:
    """Both rounds of the tests with this marker; other arguments go to pytest as they are."""
    start = time.monotonic()
    for name, loops in (("idle", 0), ("beside two busy loops", 2)):
        print(f"{marker}: {TIMES} times each with {WORKERS} workers, {name}", flush=True)
        with busy(loops):
            left = None if marker == "process" else LIMIT - (time.monotonic() - start)
            code = round_of_tests(marker, list(arguments), left)
        print(f"{marker}: {name}: {'passed' if code == 0 else 'FAILED'}, {time.monotonic() - start:.0f} s", flush=True)
        if code != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
