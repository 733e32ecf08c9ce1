"""More of what to do about a finding: about handlers that run, and about what they save. See `cures`."""

from __future__ import annotations

from runner.diagnosis.commands import is_python, is_shell, is_utility, program
from runner.diagnosis.cures import PYTHON_HANDLER, check, direct, trap_and_wait, trap_between
from runner.diagnosis.printable import command_line
from runner.diagnosis.programs import INITS
from runner.diagnosis.story import Process, Story

ATOMIC_SAVE = """\
# write beside the file, and put it in place in one step: the old one stays until the new one is complete
import os

def save_atomically(data, path):
    with open(path + ".tmp", "wb") as file:
        file.write(data)  # or torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)"""

RESUME = """\
# at the start of the program, before the training loop:
import os, torch

path = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "checkpoint.pt")
first = 0
if os.path.exists(path):
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    first = saved["epoch"] + 1
    print(f"resumed at epoch {first}")
for epoch in range(first, epochs):
    ..."""

SMALLER_SAVE = """\
# SageMaker gives 120 s, and no more. Save less, or save earlier:
# - at the stop only what changed: the weights, not the optimizer's state; no data set, no cache
# - save every few minutes in any case, so that little is lost, and at the stop only finish what has begun
# - write without compression; from a GPU, copy to the CPU first and write once
# how long does it take by itself?
time python -c 'save_checkpoint()'"""

NATIVE_CALL = """\
# work in pieces, so that Python gets its turn between them:
for piece in pieces:
    work_on(piece)  # partial_fit, a chunk, some iterations: seconds, not minutes
    if stopping:
        save_checkpoint()
        raise SystemExit(0)

# or, where the library cannot be interrupted, let it work in a process of its own and wait here:
from concurrent.futures import ProcessPoolExecutor"""

TEMPORARIES = """\
# in the SIGTERM handler's path, before the program ends:
import shutil
shutil.rmtree(work_folder, ignore_errors=True)  # or use tempfile.TemporaryDirectory() in a `with`"""

_SAVE_IN_LOOP = """\
# in the training loop, after each step:
if stopping:
    save_checkpoint()  # to a temporary file first, then os.replace()
    raise SystemExit(0)

# PyTorch Lightning: ModelCheckpoint(save_on_exception=True)
# Hugging Face: TrainingArguments(enable_jit_checkpoint=True)"""

_HANDLER_FLAG = """\
# a handler that only sets a flag cannot fail; save in the loop, between two steps
"""


def save_on_sigterm(story: Story) -> str:
    """How a program that leaves in time saves before it leaves."""
    if story.main is not None and is_shell(story.main):
        return "# in the trap, before it exits:\ntrap 'save_what_is_needed; exit 0' TERM"
    return _SAVE_IN_LOOP


def where_it_saves(story: Story) -> str:
    """Somewhere else, perhaps: then say where."""
    return f"# does it save somewhere else? Then say where:\n{check(story, '--checkpoint DIR')}"


def cut_off_save(story: Story) -> str:
    """Whoever saves has to be waited for."""
    main = story.main
    below = next((p for p in story.descendants if p.takes), None)
    if main is not None and below is not None and not story.killed:
        if program(main) in INITS or is_shell(main):
            return f"{direct(story, below)}\n\n# or let it wait for the program:\n{trap_and_wait(below)}"
        return f"# wait for {program(below)} before the program ends:\nchild.wait()\n\n{ATOMIC_SAVE}"
    return ATOMIC_SAVE


def crashed_handler(story: Story) -> str:
    if story.main is not None and not is_python(story.main):
        return f"# the error is in its own handling of SIGTERM; see what it prints:\n{command_line(story.argv)}"
    return _HANDLER_FLAG + PYTHON_HANDLER


def trap(child: Process) -> str:
    if is_utility(child):
        return trap_between(child)
    return (
        "# in the script: the program in the background, and `wait`, which a trap interrupts\n"
        f"{trap_and_wait(child)}\n\n# or without a trap: the program takes the shell's place\n"
        f"exec {command_line(child.command) or child.name}"
    )


def longer_patience(story: Story, worker: Process) -> str:
    """Known launchers have an option for it."""
    words = {word.rsplit("/", 1)[-1] for word in story.argv} | ({program(story.main)} if story.main else set())
    if words & {"torchrun", "torch.distributed.run"}:
        return "torchrun --shutdown-timeout=110 ..."
    if words & {"mpirun", "mpiexec", "orterun"}:
        return "# mpirun kills its ranks 1 to 2 s after SIGTERM; one rank needs no mpirun:\n" + direct(story, worker)
    if words & {"su"}:
        return "# su kills what it runs 2 s after SIGTERM; setpriv stays out of the way:\n" + (
            f"setpriv --reuid=USER --init-groups {command_line(worker.command)}"
        )
    return (
        "# no limit of its own, or one close to the job's grace:\nchild.wait(timeout=110)\n\n"
        f"# or:\n{direct(story, worker)}"
    )
