"""Files that commands write: whole or not at all, and `-` for stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner.errors import InvalidRequest

STDOUT = "-"


def is_stdout(path: Path | str | None) -> bool:
    return str(path) == STDOUT


def write_report(path: Path | str, text: str, option: str) -> None:
    """Write UTF-8 text to a file, or to stdout for `-`.

    Who reads the file meanwhile sees the old one or the new one; links are followed, and an old file's mode is kept.
    Devices and pipes are written to. Raises InvalidRequest, which names the `option`, if that cannot be done.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if is_stdout(path):
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise _refused(path, option, error) from None


def check_writable(path: Path | str, option: str) -> None:
    """Raises InvalidRequest if `write_report` would: to be asked before what takes long. It leaves no trace."""
    if is_stdout(path):
        return
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        else:
            _beside(target, b"").unlink()
    except OSError as error:
        raise _refused(path, option, error) from None


def _replace(target: Path, data: bytes) -> None:
    made = _beside(target, data)
    try:
        if target.exists():
            made.chmod(target.stat().st_mode & 0o777)
        made.replace(target)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def _beside(target: Path, data: bytes) -> Path:
    """A new file in the same folder, with the mode that the umask gives."""
    made = target.with_name(f".{os.urandom(8).hex()}.tmp")
    with open(made, "xb") as file:
        try:
            file.write(data)
            file.flush()
        except BaseException:
            made.unlink()
            raise
    return made


def _refused(path: Path | str, option: str, error: OSError) -> InvalidRequest:
    return InvalidRequest(option, f"{path} cannot be written: {error.strerror or error}")
