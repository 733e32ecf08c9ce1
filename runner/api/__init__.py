"""The synchronous face of a supervisor: `Runner` and its `Job`s."""

from runner.api.job import Job
from runner.api.requests import Objective
from runner.api.runner import Runner
from runner.api.serving import serve

__all__ = ["Job", "Objective", "Runner", "serve"]
