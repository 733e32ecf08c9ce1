"""Reports made by hand, with every member filled, as `diagnose` makes them of long journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.diagnosis.findings.base import Finding, Severity, Verdict
from runner.diagnosis.report import Exit, Output, Report, diagnose
from tests.diagnosis import journals
from tests.diagnosis.journals import DEAF, GOOD, MAIN, Journal

Entry = dict[str, Any]

SLOW = Finding(
    code="save-too-slow",
    severity=Severity.ERROR.value,
    explanation="python (PID 1) took SIGTERM and began to save; it was still writing checkpoint-1800.pt when its grace "
    "of 10 s was over.",
    cure="# save less, or sooner: a smaller state, a faster disk, or a checkpoint every few minutes\n"
    "torch.save(model.state_dict(), path)  # without the optimizer's state",
)
LEFT = Finding(
    code="left-overs",
    severity=Severity.WARNING.value,
    explanation="4 processes of the job were alive when its main process had ended, and were killed.",
    cure="for worker in workers:\n    worker.terminate()\n    worker.join()",
)


def process(number: int, name: str = "python", **more: Any) -> Entry:
    """A process of the job; the first one is the main process. Its children are 2 and so on."""
    return {
        "pid": MAIN + number - 1,
        "inner": number,
        "ppid": 999 if number == 1 else MAIN,
        "name": name,
        "command": [name],
        "sigterm": "caught",
        "main": number == 1,
        "first": -20.0,
        "last": 10.0,
        "ended": None,
        "code": None,
        "signal": None,
        "left_over": False,
    } | more


def save(path: str, begun: float | None, done: float | None, **more: Any) -> Entry:
    return {
        "path": path,
        "role": "checkpoints",
        "how": "created",
        "begun": begun,
        "done": done,
        "size": 48_200_000,
        "became": "there",
        "to": None,
        "writer": "python (PID 1)",
        "complete": done is not None,
        "cut_off": done is None,
    } | more


def frame(function: str, file: str, line: int | None) -> Entry:
    return {"function": function, "file": file, "line": line}


def steady(first: float, last: float, step: float, lines: int) -> tuple[Entry, ...]:
    """So many lines in every span."""
    count = round((last - first) / step)
    return tuple({"t": round(first + n * step, 3), "seconds": step, "lines": lines} for n in range(count))


def one() -> Report:
    """A single process that left at once; nothing else was looked at."""
    return diagnose(journals.graceful())


def graceful() -> Report:
    """An hour of training, a checkpoint at the signal, and out in 0.84 s."""
    journal = Journal("python", "train.py", "--epochs", "90").stop(GOOD).exit(0.84, 0)
    report = diagnose(journal.gone())
    timeline = tuple(entry | {"t": entry["t"] - 3_600} if entry["t"] < -1 else entry for entry in report.timeline)
    folder = "/opt/ml/checkpoints"
    return replace(
        report,
        timeline=timeline,
        processes=(
            process(1, command=["python", "train.py", "--epochs", "90"], first=-3605.0, ended=0.84, code=0),
            process(2, "pt_data_worker", sigterm="default", first=-3590.0, ended=0.31, signal="SIGTERM"),
            process(3, "pt_data_worker", sigterm="default", first=-3590.0, ended=0.33, signal="SIGTERM"),
        ),
        saves=(
            save(f"{folder}/epoch-41.pt.tmp", -1200.0, -1199.2, became="renamed", to=f"{folder}/epoch-41.pt"),
            save(f"{folder}/epoch-42.pt.tmp", 0.05, 0.62, became="renamed", to=f"{folder}/epoch-42.pt"),
            save("/opt/ml/model/model.safetensors", 0.63, 0.8, role="model"),
        ),
        density=(*steady(-3600, -1, 60, 70), *steady(0, 0.8, 0.1, 3)),
        output=Output(6, 0.81),
        lines=(
            {"t": -0.42, "text": "step 41990 loss 0.0312"},
            {"t": 0.02, "text": "SIGTERM: saving, then leaving"},
            {"t": 0.81, "text": "saved epoch-42.pt (48 MB)"},
        ),
    )


def five() -> Report:
    """A shell, a trainer that saves too slowly, its workers, and what was left: every member has something."""
    journal = Journal("bash", "run.sh", grace=10).stop(GOOD).killed().gone()
    report = diagnose(journal)
    folder = "/opt/ml/checkpoints"
    trainer = ["python", "-m", "workloads.training.digits", "--learning-rate", "0.05", "--out", "/opt/ml/model"]
    return replace(
        report,
        verdict=Verdict.NOT_GRACEFUL,
        findings=(SLOW, LEFT),
        command=("bash", "run.sh"),
        main_process="bash (PID 1)",
        processes=(
            process(1, "bash", command=["/usr/bin/bash", "run.sh"], first=-5.0, ended=10.0002, signal="SIGKILL"),
            process(2, command=trainer, first=-4.9, ended=10.01, signal="SIGKILL", left_over=True),
            process(3, "pt_data_worker", ppid=MAIN + 1, sigterm="default", first=-3.0, ended=0.4, code=143),
            process(4, "pt_data_worker", ppid=MAIN + 1, sigterm="ignored", first=-3.0, last=10.0, left_over=True),
            process(5, "tee", command=["tee", "-a", "train.log"], sigterm="blocked", first=-4.95, ended=7.5, code=0),
        ),
        saves=(
            save(f"{folder}/checkpoint-1600.pt", -4.0, -3.2),
            save(f"{folder}/checkpoint-1700.pt.tmp", -1.6, -0.9, complete=False, cut_off=False),
            save(f"{folder}/checkpoint-1500.pt.tmp", -4.6, -4.4, became="removed", complete=False, cut_off=False),
            save(f"{folder}/checkpoint-1800.pt", 0.6, None, size=31_000_000),
            save("/opt/ml/model/config.json", 0.3, 0.32, role="model", size=812),
        ),
        density=(*steady(-5, 0, 0.5, 6), *steady(0, 2, 0.5, 9), *steady(2, 7.5, 0.5, 2)),
        output=Output(58, 7.42),
        lines=tuple(
            {"t": t, "text": f"step {n} loss {0.4 - n / 1000:.4f}"} for n, t in enumerate((-0.4, -0.2, 0.1, 7.4))
        ),
        stack=(
            {
                "process": "python (PID 2)",
                "thread": "MainThread",
                "main": True,
                "active": True,
                "frames": [
                    frame("_write_file", "torch/serialization.py", 944),
                    frame("save", "torch/serialization.py", 861),
                    frame("on_sigterm", "workloads/training/digits.py", 88),
                ],
            },
            {"process": "python (PID 2)", "thread": "Thread-1", "main": False, "active": False, "frames": []},
        ),
        temporaries={"paths": ["/tmp/pymp-x8k2/listener-9"], "count": 3, "bytes": 4096, "shared_memory": ["torch_71"]},
    )


def forty() -> Report:
    """A launcher with its ranks and their workers: more processes than a picture has rows."""
    argv = [
        "python",
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "8",
        "train.py",
        "--config",
        "configs/large.yaml",
    ]
    ranks = [
        process(
            2 + n,
            command=["/usr/bin/python3.11", "-u", "train.py", f"--local-rank={n}"],
            first=-19.0,
            ended=3.0 + n / 9,
            code=0,
        )
        for n in range(8)
    ]
    workers = [
        process(
            10 + n,
            "pt_data_worker",
            ppid=MAIN + 1 + n % 8,
            sigterm="default",
            first=-15.0,
            last=4.2,
            left_over=n % 7 == 0,
        )
        for n in range(31)
    ]
    main = process(1, command=argv, ended=4.2, code=0)
    report = diagnose(Journal(*argv, grace=30).stop(GOOD).exit(4.2, 0).gone())
    return replace(
        report,
        findings=(LEFT, *report.findings),
        processes=(main, *ranks, *workers),
        density=steady(-5, 4, 0.25, 40),
        output=Output(400, 4.1),
    )


def never_stopped() -> Report:
    """It runs, and no stop has come."""
    return replace(diagnose(Journal("python", "train.py").facts), processes=(process(1, first=0.01, last=0.01),))


def nothing() -> Report:
    """Of an empty journal."""
    return diagnose([])


def killed_late() -> Report:
    """The whole grace of two minutes, without a handler."""
    return diagnose(Journal("python", "train.py").stop(DEAF).killed().gone())


def hostile(text: str) -> Report:
    """The same text in every place where a program can put one."""
    report = five()
    finding = Finding("save-too-slow", "error", f"x {text} y", f"a {text}\nb {text}")
    threads: Sequence[Entry] = [{**report.stack[0], "process": text, "thread": text, "frames": [frame(text, text, 1)]}]
    return replace(
        report,
        findings=(finding, finding),
        exit=Exit(None, text),
        isolation=text,
        cause=text,
        command=(text, text),
        main_process=text,
        processes=tuple(one | {"name": text, "command": [text, text], "signal": text} for one in report.processes),
        saves=tuple(one | {"path": text, "to": text, "writer": text, "how": text} for one in report.saves),
        lines=tuple(one | {"text": text} for one in report.lines),
        stack=tuple(threads),
        resume={
            "saved": 1,
            "resumed": False,
            "why": text,
            "load": {
                "command": text,
                "checkpoint": text,
                "code": 1,
                "signal": None,
                "timed_out": False,
                "last": [text],
            },
        },
        temporaries={"paths": [text], "count": 1, "bytes": 1, "shared_memory": [text]},
        timeline=tuple(entry | ({"reason": text, "name": text}) for entry in report.timeline),
    )


ALL = {
    "one": one,
    "graceful": graceful,
    "five": five,
    "forty": forty,
    "never-stopped": never_stopped,
    "nothing": nothing,
    "killed-late": killed_late,
}
