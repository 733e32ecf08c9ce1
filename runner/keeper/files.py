"""One inotify queue for all jobs of a keeper, read as seldom as can be without missing anything.

The kernel joins events that are the same and follow each other, but only while they wait. So after each read the queue
is left alone for a while: a program that writes 10 MB/s in pieces of 100 bytes costs a read each time, not an event
for each piece. Without events nothing wakes the keeper. When a job is stopped, killed or ends, the queue is read at
once (`drain`), so that what came before and what came after are told apart.
"""

from __future__ import annotations

from runner import clock
from runner.keeper.folders import EVENTS, Folder, Place
from runner.linux import inotify
from runner.linux.inotify import LARGEST_EVENT, Inotify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.keeper.loop import Loop
    from runner.keeper.saves import Saves

PAUSE = 0.03
"""Seconds that the queue is left alone after a read that found something: how exact the times of saves are."""
_A_TURN = 16 * 1024
"""Bytes that are read in one turn of the loop, so that deadlines come in between: some 400 events, 1 ms."""
_AT_ONCE = 64 * 1024
_MOST_AT_ONCE = 32
"""Reads of one drain: more than what may wait, so that a program that goes on making files cannot hold it up."""


class Files:
    """The queue: whose which watch is, and when it is read."""

    __slots__ = ("_comes_back", "_inotify", "_jobs", "_listens", "_loop", "_places", "_touched")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._inotify: Inotify | None = None
        self._places: dict[int, Place | tuple[Place, ...]] = {}
        """Who hears of a watch, nearly always one: that costs no list for each folder."""
        self._jobs: dict[Saves, None] = {}
        self._touched: dict[Saves, None] = {}
        """Jobs that had events, or wait for some, since the queue was last empty."""
        self._listens = False
        """Events wake the keeper up; else it comes back by itself."""
        self._comes_back = False

    # --- watches

    def begin(self, job: Saves) -> None:
        """Watch the folders of a job from now on."""
        self._jobs[job] = None
        try:
            if self._inotify is None:
                self._inotify = Inotify()
                self._loop.add(self._inotify.fd, self._heard)
                self._listens = True
        except OSError:
            job.missed = True  # this user has too many queues: seen is nothing, and that is told
            return
        job.begin(clock.monotonic_ns())

    def watch(self, path: bytes) -> int:
        """The watch of the folder at this path, made if there is none. Raises OSError."""
        assert self._inotify is not None
        return self._inotify.add(path, EVENTS)

    def claim(self, watch: int, place: Place) -> bool:
        """Have this place hear of the watch; False if its job hears of it already."""
        others = self._of(watch)
        if any(other.of is place.of and isinstance(other, Folder) == isinstance(place, Folder) for other in others):
            return False
        place.watch = watch
        self._places[watch] = (*others, place) if others else place
        return True

    def release(self, place: Place) -> None:
        """This place hears of its watch no more; a watch that nobody hears of is removed."""
        watch, place.watch = place.watch, -1
        before = self._of(watch)
        left = tuple(other for other in before if other is not place)
        if left:
            self._places[watch] = left
        elif before and self._inotify is not None:
            del self._places[watch]
            self._inotify.remove(watch)

    def _of(self, watch: int) -> tuple[Place, ...]:
        """Who hears of a watch."""
        places = self._places.get(watch, ())
        return places if isinstance(places, tuple) else (places,)

    def forget(self, job: Saves, everything: bool) -> None:
        """Nothing of this job is watched any more; `everything`: look for places that it does not know of itself."""
        self._jobs.pop(job, None)
        self._touched.pop(job, None)
        if everything:
            for place in [place for watch in self._places for place in self._of(watch) if place.of is job]:
                self.release(place)

    # --- when it is read

    def _heard(self) -> None:
        if self._listens:  # else it was drained by a handler before this one
            self._turn()

    def _turn(self) -> None:
        """Something has happened, or may have by now."""
        assert self._inotify is not None
        self._comes_back = False
        raw = self._inotify.read(_A_TURN)
        self.apply(raw, clock.monotonic_ns())
        if len(raw) > _A_TURN - LARGEST_EVENT:
            self._come_back(0)
        elif self._settle() or raw:
            self._come_back(PAUSE)
        elif not self._listens:
            self._listens = True
            self._loop.add(self._inotify.fd, self._heard)

    def _come_back(self, seconds: float) -> None:
        """Leave the queue alone until then."""
        if self._listens and self._inotify is not None:
            self._listens = False
            # Not only with no events to wait for: each event of a queue would still wake up epoll_wait(2) for nothing.
            self._loop.remove(self._inotify.fd)
        if not self._comes_back:
            self._comes_back = True
            self._loop.deadlines.after(seconds, self._turn)

    def drain(self) -> None:
        """Take note of all that has happened until now."""
        if self._inotify is not None and self._jobs:
            self.apply(self.take(), clock.monotonic_ns())
            if self._settle():
                self._come_back(PAUSE)

    def take(self) -> bytes:
        """What waits, to be applied later: one system call, unless more waits than there is room for."""
        if self._inotify is None:
            return b""
        raw = part = self._inotify.read(_AT_ONCE)
        for _ in range(_MOST_AT_ONCE):
            if len(part) <= _AT_ONCE - LARGEST_EVENT:
                break
            part = self._inotify.read(_AT_ONCE)
            raw += part
        return raw

    def note(self, raw: bytes, now: int) -> None:
        """Take note of what was taken at an instant of CLOCK_MONOTONIC; conclusions are drawn later."""
        self.apply(raw, now)
        if self._touched:
            self._come_back(PAUSE)

    def apply(self, raw: bytes, now: int) -> None:
        """Take note of what was read at an instant of CLOCK_MONOTONIC."""
        for watch, bits, cookie, name in inotify.parse(raw):
            if bits & inotify.OVERFLOW:
                for job in self._jobs:
                    job.missed = True
                continue
            for place in self._of(watch):
                self._touched[place.of] = None
                if bits & inotify.IGNORED:
                    self._places.pop(watch, None)
                    place.gone(now)
                else:
                    place.happened(bits, cookie, name, now)

    def _settle(self) -> bool:
        """Draw conclusions, now that the queue is empty; whether some are left for later."""
        # First see who has them open, then hear what happened until then, then conclude.
        unsure = [job for job in self._touched if job.look_at_unsure()]
        if unsure:
            self.apply(self.take(), clock.monotonic_ns())
        for job in unsure:
            job.settle_unsure()
        now = clock.monotonic_ns()
        self._touched = {job: None for job in self._touched if not job.settle(now)}
        return bool(self._touched)
