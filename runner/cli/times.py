"""Instants and durations for people, in the time zone of the machine."""

from __future__ import annotations

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def recent(seconds: float, now: float) -> str:
    """An instant (seconds since 1970): of the day that it is `14:03:07`, of another `2026-11-27`."""
    at = _local(seconds)
    return at.strftime("%H:%M:%S" if at.date() == _local(now).date() else "%Y-%m-%d")


def exact(seconds: float) -> str:
    """An instant to the millisecond, with its offset from UTC, such as `2026-11-28T14:03:07.250+01:00`."""
    return _local(seconds).isoformat(timespec="milliseconds")


def duration(seconds: float) -> str:
    """A length of time in its two largest units: `7 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // _DAY, whole % _DAY // _HOUR, whole % _HOUR // _MINUTE
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % _MINUTE} s" if minutes else f"{whole} s"


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
