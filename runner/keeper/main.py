"""How a keeper begins: `python -I -S -c "..." SETTINGS`, where SETTINGS is one JSON object (`start.py`)."""

from __future__ import annotations

import gc
import json
import os
import sys

from runner.keeper.keeper import Keeper
from runner.keeper.launch import raise_open_files
from runner.keeper.loop import Loop, take_signals
from runner.keeper.protocol import TITLE, Policy
from runner.keeper.server import Server
from runner.linux import prctl, timers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(text: str) -> None:
    """Become the keeper of a data directory. A line on the `ready` descriptor says that it listens, or why not."""
    settings = json.loads(text)
    ready: int = settings["ready"]
    try:
        loop = _begin(settings)
    except OSError as error:
        os.write(ready, json.dumps({"error": str(error)}).encode() + b"\n")
        os._exit(1)
    os.write(ready, json.dumps({"pid": os.getpid()}).encode() + b"\n")
    os.close(ready)
    # What exists now stays: not looking at it again keeps its pages shared with every child.
    gc.freeze()
    gc.disable()
    loop.run()
    # No interpreter clean-up: there is nothing in this process that has to be put in order.
    sys.stderr.flush()
    os._exit(0)


def _begin(settings: dict[str, Any]) -> Loop:
    data_dir: str = settings["data_dir"]
    take_signals()
    prctl.become_subreaper()
    prctl.name_process(TITLE, f"{TITLE} {data_dir}")
    timers.ask_for_short_slices()
    raise_open_files()
    loop = Loop()
    server = Server(data_dir, loop)
    keeper = Keeper(data_dir, loop, server.tell, settings["cgroups"], settings["unkillable_after"])
    server.keeper = keeper
    loop.watch_children(keeper.reap)
    owner = settings["owner"]
    keeper.be_owned_by(owner["pid"], owner["start"], Policy(owner["policy"]))
    return loop
