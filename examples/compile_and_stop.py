"""Stop a compilation while several compilers run. Needs gcc and the extra `trees`."""

from importlib import resources

from runner import Runner

with Runner() as runner:
    model = resources.files("workloads.compilation") / "models" / "digits-xgboost.tar.gz"
    with resources.as_file(model) as path:
        job = runner.compile(path, framework="XGBOOST", grace=20)
    print("it compiles:", job.wait_for_log(r"compiled \d+/").text)

    report = job.stop()
    print("status:", job.status, "- verdict:", report.verdict)
    print("left over:", [process["name"] for process in report.left_over] or "nothing")
