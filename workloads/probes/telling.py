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
    # Not pause(2): a signal that comes after the interpreter has last looked and before the call would be noted, and
    # its handler not run until the next one. What the C handler writes into a pipe cannot be missed.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    while True:
        os.read(reading, 512)
