"""It got SIGTERM: what its handler did, or could not do."""

from __future__ import annotations

from runner.diagnosis import cures, remedies, saving
from runner.diagnosis.commands import is_python, is_shell, is_utility, program
from runner.diagnosis.findings import saves
from runner.diagnosis.findings.base import Code, Finding, error
from runner.diagnosis.log import Crash
from runner.diagnosis.printable import clipped, seconds
from runner.diagnosis.stacks import Stack, place
from runner.diagnosis.story import Process, Story
from runner.diagnosis.wording import grace, main_name, name_of, outcome
from runner.lifecycle.stops import Disposition

_AT_ONCE = 0.2
"""Seconds from SIGTERM within which nobody has waited for anything."""
_SETTLED = 0.5
"""Seconds from SIGTERM on after which a main process that ends has waited for something."""
_OWN_REPORT = frozenset({"SignalException", "KeyboardInterrupt", "SystemExit", "Terminated", "GracefulExit"})
"""What programs that were told to stop end with on purpose (torchrun reports the signal so)."""


def handler_crashed(story: Story) -> Finding | None:
    crash = story.log.crash
    if not _left(story) or story.ended is None or not story.ended.code or crash is None:
        return None
    if _is_on_purpose(crash, story):
        return None
    return error(
        Code.HANDLER_CRASHED,
        f"{main_name(story)} took SIGTERM and failed {seconds(max(crash.t, 0.001))} later while it handled it: "
        f"{clipped(crash.what, 160)}. It ended with exit code {story.ended.code}.",
        remedies.crashed_handler(story),
    )


def trap_deferred(story: Story) -> Finding | None:
    """A shell runs its trap when the command in its foreground has ended (bash(1), SIGNALS)."""
    child = _foreground(story)
    if child is None or story.log.news:
        return None
    if story.killed and not story.cut_short and not _ended_before_kill(child, story):
        so = f"The trap had not run when {grace(story)} was over."
    elif _left(story) and _ended_before_main(child, story):
        so = "It ran only because that ended by itself in time; with more work left it would have been killed."
    else:
        return None
    return error(
        Code.TRAP_DEFERRED,
        f"{main_name(story)} has a trap for SIGTERM and got the signal, but a shell runs a trap only when the command "
        f"in its foreground has ended: {name_of(child)} went on and was told nothing. {so}",
        remedies.trap(child),
    )


def grace_shortened(story: Story) -> Finding | None:
    """Something below the supervisor took SIGTERM, and did not give the program the time that the job has."""
    lost = _killed_worker(story) if story.heard is True and story.ended is not None else None
    if lost is None:
        return None
    worker, after, how = lost
    return error(
        Code.GRACE_SHORTENED,
        f"{main_name(story)} {how} {name_of(worker)} {seconds(after)} after SIGTERM, while it was still at work. The "
        f"job's grace is {seconds(story.stop.grace or 0) if story.stop else 'longer'}: what stands between the two has "
        "a shorter patience of its own (torchrun 30 s, su 2 s, mpirun 1 to 2 s, timeout -k what it is told).",
        remedies.longer_patience(story, worker),
    )


def handler_could_not_run(story: Story) -> Finding | None:
    if not _overstayed(story) or not _never_waits(story) or story.log.after or saving.saved_after(story):
        return None
    return error(
        Code.HANDLER_COULD_NOT_RUN,
        f"{main_name(story)} has a handler for SIGTERM and got the signal, but it did not get its turn: in "
        f"every look the main thread was running, never once it waited, and nothing was printed.{_why(story)}"
        f"{_stack(story)} It {outcome(story)}.",
        remedies.NATIVE_CALL,
    )


def handler_did_not_stop(story: Story) -> Finding | None:
    if not _overstayed(story) or handler_could_not_run(story) is not None:
        return None
    if trap_deferred(story) is not None or saves.save_too_slow(story) is not None:
        return None  # it had not come to that yet
    return error(
        Code.HANDLER_DID_NOT_STOP,
        f"{main_name(story)} took SIGTERM, and went on all the same{_signs(story)}.{_reset(story)}{_stack(story)} "
        f"It {outcome(story)}.",
        cures.where_it_hangs(story),
    )


def _left(story: Story) -> bool:
    """It ended by itself after it had got the signal."""
    return story.heard is True and story.ended_by_itself and story.asked


def _overstayed(story: Story) -> bool:
    last = story.last_of_main()
    if not story.killed or story.cut_short or story.heard is not True or last is None:
        return False
    return not last.pending and last.state not in ("T", "t")


def _is_on_purpose(crash: Crash, story: Story) -> bool:
    """The program reports the signal itself, or ends by an exception of its own, after it has saved."""
    if not saving.saved_after(story):
        return crash.name in _OWN_REPORT - {"KeyboardInterrupt"}
    return crash.name in _OWN_REPORT or crash.raised


def _foreground(story: Story) -> Process | None:
    """What a shell as main process waited for when the signal came, without having started it with an `&`."""
    if story.main is None or not is_shell(story.main) or story.heard is not True:
        return None
    below = [p for p in story.descendants if p.ppid == story.main.pid and not p.background]
    before = _others_before(story)
    # Of a pipeline rather the program than what it prints to.
    there = sorted((p for p in below if not before or p.identity in before), key=is_utility)
    return next((p for p in there if not _was_signalled(p, story)), None)


def _others_before(story: Story) -> set[tuple[int, int | None]]:
    """Who was there when the signal came: a trap that runs starts processes, too. Empty: nobody was, or nobody saw."""
    looks = (look for look in story.looks if look.moment == "before")
    return {p.identity for look in looks for p in look.processes if not story.is_main(p)}


def _was_signalled(process: Process, story: Story) -> bool:
    """It ended by SIGTERM: somebody has passed the signal on."""
    return any(end.pid == process.pid and end.signal == "SIGTERM" for end in story.process_ends)


def _ended_before_kill(process: Process, story: Story) -> bool:
    """The shell has had its turn since."""
    return story.kill is not None and any(e.pid == process.pid and e.ns < story.kill.ns for e in story.process_ends)


def _ended_before_main(process: Process, story: Story) -> bool:
    """A good while after the signal, and then so did the shell."""
    ends = [end for end in story.process_ends if end.pid == process.pid]
    return any(end.code is not None and story.since_zero(end.ns) >= _SETTLED for end in ends)


def _killed_worker(story: Story) -> tuple[Process, float, str] | None:
    """A process below that takes SIGTERM, when it ended, and how."""
    ends = [(end, "killed") for end in saving.killed_inside(story)]
    ends += [(end, "lost") for end in saving.lost_inside(story)]
    for end, how in ends:
        after = story.since_zero(end.ns)
        worker = next((p for p in story.descendants if p.pid == end.pid and p.takes), None)
        if worker is not None and after > _AT_ONCE:
            return worker, after, how
    how = "killed itself and" if killed_itself(story) else "killed" if _told_of_kill(story) else ""
    worker = next((p for p in story.descendants if p.takes), None)
    if not how or worker is None or story.ended is None:
        return None
    return worker, story.since_zero(story.ended.ns), how


def _told_of_kill(story: Story) -> bool:
    """It ended at the moment at which a process below was killed, and says itself that it had been killed before."""
    if not story.ended_by_itself or story.ended is None:
        return False
    writers = {save.writer.pid for save in saving.cut_off(story) if save.writer is not None}
    if not writers & {process.pid for process in story.left_over}:
        return False
    return story.ended.code == 128 + 9 or story.log.tells_of_kill


def killed_itself(story: Story) -> bool:
    """`timeout -k` sends SIGKILL to its whole process group, and is one of it, where it is not PID 1."""
    return story.killed_by_other and story.main is not None and program(story.main) == "timeout" and story.asked


def _never_waits(story: Story) -> bool:
    """The main thread ran all the time and gave the processor away only when it was taken from it.

    How much of the time it had does not count: others use the machine, too.
    """
    seen = [p for p in story.main_after if p.switches is not None and p.cpu is not None]
    if len(seen) < 2 or story.main is None or is_shell(story.main):
        return False
    first, last = seen[0], seen[-1]
    waited = (last.switches or 0) - (first.switches or 0)
    ran = (last.cpu or 0) - (first.cpu or 0)
    return all(p.state == "R" for p in seen) and waited <= 1 and ran > 0 and _seconds_between(story) > 0.2


def _seconds_between(story: Story) -> float:
    at = [look.ns for look in story.looks_after if any(story.is_main(p) for p in look.processes)]
    return (at[-1] - at[0]) / 1e9 if at else 0.0


def _why(story: Story) -> str:
    if story.main is None or not is_python(story.main):
        return ""
    return (
        " Python runs handlers only between two of its own instructions, and one long call into native code does not "
        "come to that (a loop that prints nothing and never looks would show the same)."
    )


def _signs(story: Story) -> str:
    """How it shows that it went on: empty if it does not."""
    signs = []
    if story.log.news:
        signs.append(f"it answered {clipped(story.log.news[0].text.strip(), 80)!r} and then did not end")
    if story.log.goes_on:
        signs.append(f"{len(story.log.after)} lines were printed after the signal")
    saved = len(saving.saved_after(story))
    if saved:
        signs.append(f"{saved} {'file was' if saved == 1 else 'files were'} saved after it")
    if signs:
        return f": {', '.join(signs)}"
    if story.main is not None and is_python(story.main) and not _waited(story):
        return " (whether its handler had a turn is not to be seen: nothing was printed or saved since)"
    return ""


def _waited(story: Story) -> bool:
    """Its main thread has waited for something and gone on, and between two of these a Python program runs handlers."""
    counts = [p.switches for p in story.main_after if p.switches is not None]
    return len(counts) > 1 and counts[-1] - counts[0] > 1


def _reset(story: Story) -> str:
    last = story.last_of_main()
    if last is None or last.sigterm is not Disposition.DEFAULT:
        return ""
    return (
        " Its handler ran, for SIGTERM is at its default since: a handler that raises the signal again to end "
        "the program cannot do so as PID 1, for which the kernel drops it; it has to exit."
    )


def _stack(story: Story) -> str:
    found: Stack | None = next((stack for stack in story.stacks if stack.main and stack.frames), None)
    if found is None:
        return ""
    return f" Shortly before the end its main thread was in {clipped(place(found), 120)}."
