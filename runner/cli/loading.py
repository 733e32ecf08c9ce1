"""What a command needs later, imported beside what it does now.

By a thread, because an interrupt goes to the main thread only: one in the middle of an import ends Python by SIGINT
itself, however it is handled, and one in a callback of the garbage collector, which imports keep busy, is lost.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def loading(modules: Sequence[str]) -> Iterator[None]:
    """Import these meanwhile; all of them are there afterwards."""
    thread = threading.Thread(target=lambda: [importlib.import_module(name) for name in modules])
    thread.start()
    try:
        yield
    finally:
        thread.join()
