"""When `check` may stop waiting."""

from __future__ import annotations

import pytest

from runner.diagnosis.deciding import SETTLED_AFTER, decided
from tests.diagnosis.journals import CHILD, DEAF, DEAF_CHILD, GOOD, MAIN, SHELL, Facts, Journal, plain, proc

LATE = SETTLED_AFTER + 0.01
IGNORING = proc("python", "ignored")
BLOCKING = proc("python", "blocked")
FORK = proc("python", "caught", MAIN + 5, ppid=MAIN + 1, command=["python", "train.py"])
POOL = proc("python", "caught", MAIN + 5, command=["python", "-c", "from multiprocessing.spawn import spawn_main"])


def run(isolation: str = "pid1") -> Journal:
    return Journal("python", "train.py", isolation=isolation)


DECIDED: dict[str, Facts] = {
    "no handler": run().stop(DEAF).look(LATE, "asked", DEAF).facts,
    "withheld": run("plain").stop(*plain(DEAF), outcome="withheld").look(LATE, "asked", *plain(DEAF)).facts,
    "ignored": run().stop(IGNORING).look(LATE, "asked", IGNORING).facts,
    "the wrapped program had its handler before": run().stop(SHELL, CHILD).look(LATE, "asked", SHELL, CHILD).facts,
    "a fork of what had a handler": run().stop(SHELL, CHILD).look(LATE, "asked", SHELL, CHILD, FORK).facts,
    "a pool's new worker": run().stop(DEAF).look(LATE, "asked", DEAF, POOL).facts,
}
OPEN: dict[str, Facts] = {
    "nothing": [],
    "too soon": run().stop(DEAF).look(9.0, "asked", DEAF).facts,
    "nobody has looked": run().stop(DEAF).facts,
    "it has a handler": run().stop(GOOD).look(LATE, "asked", GOOD).facts,
    "its handler runs, and ignores a second SIGTERM": run().stop(GOOD).look(LATE, "asked", IGNORING).facts,
    "it blocks": run().stop(BLOCKING).look(LATE, "asked", BLOCKING | {"pending": True}).facts,
    "handler installed since": run().stop(DEAF).look(LATE, "asked", GOOD).facts,
    "a child has installed one since": run().stop(SHELL, DEAF_CHILD).look(LATE, "asked", SHELL, CHILD).facts,
    "a status is unknown": run().stop(DEAF).look(LATE, "asked", DEAF, CHILD | {"sigterm": None}).facts,
    "a child can still learn of it": run().stop(DEAF).look(LATE, "asked", DEAF, DEAF_CHILD | {"pending": True}).facts,
    "ended": run().stop(DEAF).look(LATE, "asked", DEAF).exit(LATE + 1, 0).facts,
    "killed already": run().stop(DEAF).look(LATE, "asked", DEAF).killed(11.0, "facts-decide").facts,
    "only the order is there": run().order().look(LATE, "asked", DEAF).facts,
    "main process not in the look": run().stop(DEAF).look(LATE, "asked", CHILD).facts,
    "not known what it did at the signal": run().stop(DEAF | {"sigterm": None}).look(LATE, "asked").facts,
}


@pytest.mark.parametrize("facts", DECIDED.values(), ids=DECIDED.keys())
def test_decided(facts: Facts) -> None:
    assert decided(facts)


@pytest.mark.parametrize("facts", OPEN.values(), ids=OPEN.keys())
def test_open(facts: Facts) -> None:
    assert not decided(facts)
