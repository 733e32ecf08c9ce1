"""Start a keeper: used by the supervisor's side, not by the keeper itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from runner.keeper.protocol import SOCKET, UNKILLABLE_AFTER, Policy

# The process that is started forks the keeper and ends at once, so that the host program has no child for longer
# than that, and none that it could wait for by mistake. exec'd with -I -S: no site, no user's PYTHON… variables.
_PROGRAM = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
sys.path.insert(0, sys.argv[1])
from runner.keeper.main import main
main(sys.argv[2])
"""


class StartError(Exception):
    """The keeper could not be started; the message says why."""


def start(
    data_dir: Path,
    policy: Policy,
    owner: tuple[int, int],
    use_cgroups: bool = True,
    unkillable_after: float = UNKILLABLE_AFTER,
) -> int:
    """Start the keeper of a data directory and return its pid once it listens. `owner` is a pid and its start time.

    Raises StartError.
    """
    end, ready = os.pipe()
    try:
        (data_dir / SOCKET).unlink(missing_ok=True)
        settings = {
            "data_dir": str(data_dir),
            "ready": ready,
            "cgroups": use_cgroups,
            "unkillable_after": unkillable_after,
            "owner": {"pid": owner[0], "start": owner[1], "policy": policy.value},
        }
        source = str(Path(__file__).resolve().parent.parent.parent)
        with (data_dir / "keeper.log").open("ab") as errors:
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, source, json.dumps(settings)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                cwd="/",
                pass_fds=[ready],
                check=True,
            )
        os.close(ready)
        ready = -1
        answer = _read_line(end)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"the keeper of {data_dir} could not be started: {error}") from error
    finally:
        os.close(end)
        if ready >= 0:
            os.close(ready)
    if "pid" not in answer:
        raise StartError(f"the keeper of {data_dir} could not be started: {answer.get('error') or 'see keeper.log'}")
    pid: int = answer["pid"]
    return pid


def _read_line(fd: int) -> dict[str, int]:
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(fd, 4096)
        if not part:
            return {}
        text += part
    answer: dict[str, int] = json.loads(text)
    return answer
