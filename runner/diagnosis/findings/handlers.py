"""What the main process did with SIGTERM when it came."""

from __future__ import annotations

from runner.diagnosis import cures
from runner.diagnosis.commands import is_helper, is_shell, is_utility, passes_on
from runner.diagnosis.findings.base import Code, Finding, error
from runner.diagnosis.printable import seconds
from runner.diagnosis.story import Process, Story
from runner.diagnosis.wording import (
    capital,
    dropped,
    ending,
    grace,
    main_name,
    name_of,
    outcome,
    relation,
    seen_in_plain,
)
from runner.lifecycle.stops import Disposition


def worker(story: Story) -> Process | None:
    """The program below the main process that has a handler of its own: what a wrapper hides from the stop."""
    main = story.main
    if main is None:
        return None
    return next((p for p in story.descendants if p.takes and not is_helper(p, main) and not _copy(p, story)), None)


def _copy(process: Process, story: Story) -> bool:
    """A shell that has a handler forks for each command: until that is executed, there are two with one handler."""
    if story.installed_later is None or story.main is None or not is_shell(story.main):
        return False
    return any(process.command == seen.command for seen in story.main_after)


def finished_anyway(story: Story) -> Finding | None:
    if story.heard is not False or story.ended is None or story.ended.code is None:
        return None
    return error(
        Code.FINISHED_ANYWAY,
        f"{main_name(story)} never got SIGTERM, and {outcome(story)}: it finished as if nothing had "
        "been asked. With more work left it would have been killed.",
        _handler(story),
    )


def too_early(story: Story) -> Finding | None:
    if not story.asked or story.heard is True or story.installed_later is None:
        return None
    began = story.launched if story.executed is None else story.executed
    ran = 0.0 if began is None else -story.since_zero(began)
    after = f", {seconds(ran)} after the start" if ran > 0 else ""
    return error(
        Code.TOO_EARLY,
        f"SIGTERM came{after}, before {main_name(story)} had installed its handler, {dropped(story)}. The handler "
        f"came too late: the signal is not sent twice. {main_name(story)} {outcome(story)}.",
        cures.EARLY_HANDLER,
    )


def wrapper_swallowed(story: Story) -> Finding | None:
    hidden = worker(story)
    if hidden is None or story.main is None or not _unheard(story, Disposition.DEFAULT):
        return None
    return error(
        Code.WRAPPER_SWALLOWED,
        f"{main_name(story)} has no handler for SIGTERM, {dropped(story)}. {capital(relation(story, hidden))} "
        f"{name_of(hidden)}, which has one, never got it: SIGTERM goes to the main process only. "
        f"{main_name(story)} {outcome(story)}.{_container_difference(story)}",
        cures.direct(story, hidden) if is_shell(story.main) else _both_ways(story, hidden),
    )


def no_handler_pid1(story: Story) -> Finding | None:
    if worker(story) is not None or story.installed_later is not None or not _unheard(story, Disposition.DEFAULT):
        return None
    unknown = any(p.sigterm is None for p in story.descendants)
    below = " What the processes below it do with SIGTERM is not on record." if unknown else ""
    return error(
        Code.NO_HANDLER_PID1,
        f"{main_name(story)} has no handler for SIGTERM, {dropped(story)}, and it went on as if nothing had "
        f"happened. It {outcome(story)}.{below}{seen_in_plain(story)}",
        _handler_and_exec(story),
    )


def no_handler(story: Story) -> Finding | None:
    return _died_by_default(story) or _died_behind_init(story)


def ignored(story: Story) -> Finding | None:
    if story.installed_later is not None or not _unheard(story, Disposition.IGNORED):
        return None
    return error(
        Code.IGNORED,
        f"{main_name(story)} ignores SIGTERM (SIG_IGN, set by itself or by what started it), so the signal "
        f"had no effect. It {outcome(story)}.",
        cures.without_ignoring(story.main),
    )


def blocked(story: Story) -> Finding | None:
    last = story.last_of_main()
    if not story.asked or not story.killed or last is None or not (last.blocked and last.pending):
        return None
    return error(
        Code.BLOCKED,
        f"{main_name(story)} blocks SIGTERM and never took it: the signal was still pending when it was last "
        f"looked at. It {outcome(story)}.",
        cures.PYTHON_UNBLOCK,
    )


def suspended(story: Story) -> Finding | None:
    last = story.last_of_main() or story.main_before
    if not story.asked or not story.killed or last is None or last.state not in ("T", "t"):
        return None
    return error(
        Code.SUSPENDED,
        f"{main_name(story)} was stopped (state {last.state}: by SIGSTOP, by a debugger, or for want of a "
        "terminal), so it could not act on SIGTERM. No SIGCONT is sent at a stop, as Docker sends none. "
        f"It {outcome(story)}.",
        f"# let it go on before it is stopped:\nkill -CONT {last.pid}",
    )


def _unheard(story: Story, disposition: Disposition) -> bool:
    return story.heard is False and story.at_signal is disposition and not story.died_of_it


def _died_by_default(story: Story) -> Finding | None:
    """The main process itself, where it was not PID 1 (or was not treated as PID 1 by mistake)."""
    if not story.died_of_it or story.at_signal not in (None, Disposition.DEFAULT):
        return None
    return error(
        Code.NO_HANDLER,
        f"{main_name(story)} has no handler for SIGTERM, so the signal ended it at once, with nothing saved.",
        cures.handler_of_main(story),
    )


def _died_behind_init(story: Story) -> Finding | None:
    """Behind an init program, which passes SIGTERM on and ends as its child did: 128 + 15."""
    main = story.main
    if main is None or story.heard is not True or not passes_on(main) or worker(story) is not None:
        return None
    if story.ended is None or story.ended.code != 128 + 15:
        return None
    exited = {end.pid for end in story.process_ends if end.code is not None}
    ended_by_it = {end.pid for end in story.process_ends if end.signal == "SIGTERM"}
    candidates = [p for p in story.descendants if p.sigterm is Disposition.DEFAULT and p.pid not in exited]
    # A shell may have passed nothing on; that it was ended by SIGTERM has to be on record.
    deaf = next((p for p in candidates if p.pid in ended_by_it or not is_shell(p)), None)
    if deaf is None:
        return None
    return error(
        Code.NO_HANDLER,
        f"{main_name(story)} passed SIGTERM on, but {name_of(deaf)} has no handler for it: the signal ended "
        f"it at once, with nothing saved ({ending(story)} inside {grace(story)}).",
        cures.handler(deaf),
    )


def _handler(story: Story) -> str:
    deepest = _deepest(story)
    return cures.handler_of_main(story) if deepest is story.main else cures.handler(deepest)


def _handler_and_exec(story: Story) -> str:
    deepest = _deepest(story)
    if deepest is None or deepest is story.main:
        return cures.handler_of_main(story)
    return (
        f"# 1. the program has to be the main process:\n{cures.direct(story, deepest)}\n\n"
        f"# 2. and it needs a handler:\n{cures.handler(deepest)}"
    )


def _both_ways(story: Story, hidden: Process) -> str:
    return (
        f"{cures.direct(story, hidden)}\n\n# or, if the wrapper has to stay, let it pass the signal on:\n"
        f"{cures.forwarding(story, hidden)}"
    )


def _deepest(story: Story) -> Process | None:
    """The program that does the work: the main process, or what a shell as main process has started.

    Not a step of its script, such as a `sleep`.
    """
    if story.main is None or not is_shell(story.main):
        return story.main
    below = [p for p in story.descendants if not (is_helper(p, story.main) or is_shell(p) or is_utility(p))]
    return below[0] if below else story.main


def _container_difference(story: Story) -> str:
    if not story.emulated:
        return ""
    return (
        " This was seen in plain isolation, where the main process is not PID 1: outside a container the same "
        "SIGTERM would have ended the wrapper and left the program running."
    )
