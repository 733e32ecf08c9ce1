"""Stop a tuning job: it takes down every training that it launched, all at once, each with its own grace."""

import sys

from runner import Objective, Runner

with Runner() as runner:
    search = runner.tune(
        [sys.executable, "-m", "workloads.training.digits"],
        name="digits-search",
        ranges={"learning-rate": (0.01, 1.0)},
        objective=Objective("accuracy", "accuracy=([0-9.]+)", "Maximize"),
        max_jobs=10,
        max_parallel=3,
        grace=10,
    )
    for training in search.trainings(at_least=3):
        training.wait_for_log("accuracy=")

    search.stop()
    print(search.name, search.status)
    for training in search.trainings():
        report = training.report()
        print(training.name, training.status, report.verdict, f"{report.seconds_to_exit:.3f} s after SIGTERM")
