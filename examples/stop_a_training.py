"""Stop a training in the middle, say whether it was graceful, and show what it saved."""

import sys
import tarfile
import tempfile
from pathlib import Path

from runner import Runner

with tempfile.TemporaryDirectory() as folder, Runner(data_dir=folder) as runner:
    job = runner.train([sys.executable, "-m", "workloads.training.digits"], name="digits", grace=10)
    line = job.wait_for_log("epoch 2 ")
    print("it trains:", line.text)

    report = job.stop()
    print("verdict:", report.verdict)
    print("status:", job.status, "- exit code:", report.exit.code)
    for finding in report.findings:
        print(f"{finding.code}: {finding.explanation}")

    model = Path(folder, "objects", "runner-outputs", "digits", "output", "model.tar.gz")
    with tarfile.open(model) as archive:
        print("saved:", archive.getnames())
