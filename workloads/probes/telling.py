"""How probes tell what they do, and wait: written straight to the descriptor, so that no buffer holds it back."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def tell(text: str) -> None:
    """One line to stdout, whole and at once."""
    os.write(1, f"{text}\n".encode())


def ready() -> None:
    tell(f"ready {os.getpid()}")


def exit_on_sigterm(code: int) -> None:
    """Install a handler that says `got SIGTERM` and exits."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        tell("got SIGTERM")
        os._exit(code)

    signal.signal(signal.SIGTERM, leave)


def wait_for_ever() -> NoReturn:
    while True:
        signal.pause()
