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


class Starting:
    """A keeper that is on its way: whoever started it can do something else until it is needed."""

    def __init__(
        self,
        data_dir: Path,
        policy: Policy,
        owner: tuple[int, int],
        use_cgroups: bool = True,
        unkillable_after: float = UNKILLABLE_AFTER,
    ) -> None:
        """Start the keeper of a data directory. `owner` is a pid and its start time. Raises StartError."""
        self._data_dir = data_dir
        self._end, ready = os.pipe()
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
                self._starter = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _PROGRAM, source, json.dumps(settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    cwd="/",
                    pass_fds=[ready],
                )
        except OSError as error:
            os.close(self._end)
            raise self._failed(error) from error
        finally:
            os.close(ready)

    def wait(self) -> int:
        """The keeper's pid, once it listens. To be called once. Raises StartError."""
        try:
            code = self._starter.wait()
            answer = _read_line(self._end)
        finally:
            os.close(self._end)
        if "pid" not in answer:
            ended = f"it ended with {code}" if code else "see keeper.log"
            raise self._failed(answer.get("error") or ended)
        pid: int = answer["pid"]
        return pid

    def _failed(self, why: object) -> StartError:
        return StartError(f"the keeper of {self._data_dir} could not be started: {why}")


def _read_line(fd: int) -> dict[str, int]:
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(fd, 4096)
        if not part:
            return {}
        text += part
    answer: dict[str, int] = json.loads(text)
    return answer
