"""What to do about a finding, to be pasted: commands, a line of a Dockerfile, a few lines of Python or shell.

Lines that begin with `#` say where the rest belongs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from runner.diagnosis.commands import (
    Command,
    has_settings,
    is_compound,
    is_python,
    is_shell,
    is_utility,
    passes_on,
    program,
    script_file,
    script_of,
    split,
    starts,
)
from runner.diagnosis.printable import clipped, command_line, printable
from runner.diagnosis.programs import INITS, SHELLS
from runner.diagnosis.story import Process, Story

PYTHON_HANDLER = """\
# at the very top of the program, before the slow imports:
import signal

stopping = False

def on_sigterm(number, frame):
    global stopping
    stopping = True

signal.signal(signal.SIGTERM, on_sigterm)

# in the training loop, after each step:
if stopping:
    save_checkpoint()  # to a temporary file first, then os.replace()
    raise SystemExit(0)"""

PYTHON_UNBLOCK = """\
import signal

signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})"""

PYTHON_CHILDREN = """\
# in the SIGTERM handler's path, before the program ends; `children` are its Popen objects:
for child in children:
    child.terminate()
for child in children:
    child.wait(timeout=10)"""

EARLY_HANDLER = """\
# the first lines of the program: the handler is there before the slow imports begin
import signal, threading

stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: stopping.set())

import numpy  # and torch, and the rest: from here on; in the loop: if stopping.is_set(): save and exit"""

MEMORY = """\
# more memory (a larger instance type), or less use of it: a smaller batch, fewer DataLoader workers. How much it took:
/usr/bin/time -v {command}"""


def handler(process: Process | None) -> str:
    """How the program gets to know of SIGTERM."""
    if process is None or is_python(process):
        return PYTHON_HANDLER
    if is_shell(process):
        return "# in the script, before its work begins:\ntrap 'save_what_is_needed; exit 0' TERM"
    name = clipped(program(process), 40)
    with_init = entrypoint(["tini", "--", *process.command])
    return (
        f"# {name} has to install a handler for SIGTERM that saves and exits. If it cannot be\n"
        f"# changed, an init program as PID 1 at least lets SIGTERM end it at once:\n{with_init}"
    )


def handler_of_main(story: Story) -> str:
    """The same for the main process, which may be a shell whose script is the program."""
    steps = [process for process in story.descendants if not is_shell(process)]
    if story.main is None or not is_shell(story.main) or not steps or not all(map(is_utility, steps)):
        return handler(story.main)
    return trap_between(steps[0])


def trap_between(step: Process) -> str:
    """How a shell script that is the program itself leaves in the middle of a step."""
    line = command_line(step.command) or f"{printable(step.name)} ARGUMENTS"
    return (
        "# in the script, before its work begins:\ntrap 'save_what_is_needed; kill $!; exit 0' TERM\n\n"
        "# a shell runs its trap when the command in its foreground has ended, but in `wait` at once.\n"
        f"# In place of: {clipped(line, 60)}\n{line} & wait $!"
    )


def entrypoint(argv: Sequence[str]) -> str:
    """The exec form of a Dockerfile's ENTRYPOINT, which starts no shell."""
    return f"ENTRYPOINT {json.dumps(list(argv))}"


def direct(story: Story, worker: Process | None) -> str:
    """How `worker` becomes the main process in place of the wrapper that started it."""
    argv = story.argv
    script = script_of(argv)
    if script is not None:
        return _exec_in(script, worker)
    command = _command_of(worker)
    file = script_file(argv)
    if file is not None:
        where = clipped(file, 60)
        return f"# in {where}, as its last line (what has to be done afterwards goes into the program):\nexec {command}"
    if worker is None or not worker.command:
        return "# start the program itself, not through a wrapper:\nexec PROGRAM ARGUMENTS"
    return f"# start the program itself, without {_wrapper(story)}:\n{entrypoint(worker.command)}"


def forwarding(story: Story, worker: Process | None) -> str:
    """How a wrapper that has to stay passes SIGTERM on and waits."""
    if story.main is not None and is_python(story.main) and not is_shell(story.main):
        argv = repr(list(worker.command)) if worker and worker.command else "[PROGRAM, ARGUMENTS]"
        return (
            "import signal, subprocess, sys\n\n"
            f"child = subprocess.Popen({argv})\n"
            "signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))\n"
            "sys.exit(child.wait())"
        )
    return _trap(_command_of(worker))


def without_ignoring(main: Process | None) -> str:
    """Where SIGTERM comes to be ignored, and what belongs there."""
    if main is not None and is_shell(main):
        return "# remove from the script, or from what starts it:\ntrap '' TERM\n# and then: " + (
            "exec the program, or pass SIGTERM on:\n" + _trap("PROGRAM ARGUMENTS")
        )
    if main is not None and is_python(main):
        return f"# in place of signal.signal(signal.SIGTERM, signal.SIG_IGN):\n{PYTHON_HANDLER}"
    return "# find what sets SIGTERM to be ignored (nohup-like wrappers, `trap '' TERM`, SIG_IGN) and remove it:\n" + (
        f"strace -f -e trace=rt_sigaction {_command_of(main)}"
    )


def init(story: Story, worker: Process | None) -> str:
    """For an init program (or a shell) that ended before the program below it was done."""
    main = story.main
    if main is not None and passes_on(main) and program(main) in INITS and worker is not None and worker.command:
        return f"# start the program itself from the init program, without a shell between:\n{_init_line(main, worker)}"
    return direct(story, worker)


def check(story: Story, options: str) -> str:
    """The same check again, with other options."""
    return f"runner check {options} -- {command_line(story.argv) or 'COMMAND'}"


def alone(story: Story) -> str:
    """A program that fails without any stop."""
    return f"# it fails by itself; mend that first:\n{command_line(story.argv) or 'COMMAND'}"


def memory(story: Story) -> str:
    return MEMORY.format(command=command_line(story.argv) or "COMMAND")


def crash(story: Story) -> str:
    return f"# where it crashed, as a Python traceback:\nPYTHONFAULTHANDLER=1 {command_line(story.argv) or 'COMMAND'}"


def where_it_hangs(story: Story) -> str:
    if story.main is not None and is_python(story.main):
        return (
            "# in the handler, as its first line: where the program is when the signal comes\n"
            "import traceback; traceback.print_stack(frame)\n"
            "# and no `except:` or `except Exception:` around the loop may catch what the handler raises\n"
            "# a handler that only sets a flag needs a loop that reads it after every step"
        )
    if story.main is not None and is_shell(story.main):
        below = next(iter(story.descendants), None)
        if below is not None and is_utility(below):
            return trap_between(below)
        return "# a shell runs its trap when the command in its foreground has ended: wait for it instead\n" + _trap(
            _command_of(below)
        )
    name = story.main.name if story.main else command_line(story.argv[:1]) or "PROGRAM"
    return f'# where is it while it is being stopped?\nstrace -f -p "$(pgrep -n {name})"'


def children(main: Process | None, left: Process) -> str:
    """How the main process ends what it has started, before it ends itself."""
    if main is None or is_python(main):
        return PYTHON_CHILDREN
    if is_shell(main):
        return trap_between(left) if is_utility(left) else _trap(_command_of(left))
    return (
        f"# {clipped(program(main), 40)} has to end its children, and wait for them, before it ends itself:\nkill CHILD"
    )


def first_word(story: Story) -> str:
    return command_line(story.argv[:1]) or "PROGRAM"


def _exec_in(script: str, worker: Process | None) -> str:
    commands = split(script)
    found = next((c for c in commands if worker is not None and starts(c, worker)), None)
    if is_compound(commands):
        return "# inside the script, where the program is started:\n" + _trap(_command_of(worker))
    if found is None:
        return f"# as the last command of the script:\nexec {_command_of(worker)}"
    before, after = commands[: commands.index(found)], commands[commands.index(found) + 1 :]
    if found.operator == "|":
        return _piped(found, after)
    lead = "".join(f"{c.text} {c.operator} " if c.operator != ";" else f"{c.text}; " for c in before)
    line = f"{lead}exec {_bare(found)}"
    if after:
        line += "\n# what came after it in the script does not run any more: do it in the program"
    if before or has_settings(found) or worker is None or not worker.command:
        return line
    return f"{line}\n# or, in the Dockerfile, without a shell:\n{entrypoint(worker.command)}"


def _piped(found: Command, after: Sequence[Command]) -> str:
    rest = " | ".join(command.text for command in after if command.text)
    return f"# bash; the pipe stays, the program takes the shell's place:\nexec {_bare(found)} > >({rest})"


def _bare(command: Command) -> str:
    return f"env {command.text}" if has_settings(command) else command.text.removeprefix("exec ").strip()


def _trap(command: str) -> str:
    return f'{command} &\nchild=$!\ntrap \'kill -TERM "$child"; wait "$child"; exit $?\' TERM\nwait "$child"'


def _command_of(process: Process | None) -> str:
    if process is None:
        return "PROGRAM ARGUMENTS"
    return command_line(process.command) or printable(process.name)


def trap_and_wait(process: Process) -> str:
    """Lines of a shell script that start a program, pass SIGTERM on to it, and wait for it."""
    return _trap(_command_of(process))


def _wrapper(story: Story) -> str:
    return clipped(program(story.main), 40) if story.main else "the wrapper"


def _init_line(main: Process, worker: Process) -> str:
    own = []
    for word in main.command:
        if word.rsplit("/", 1)[-1] in SHELLS or word in worker.command[:1]:
            break
        own.append(word)
    return entrypoint([*(own or [program(main), "--"]), *worker.command])
