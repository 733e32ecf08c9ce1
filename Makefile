# Every target sets up what it needs in .venv and nowhere else. `make help` lists them.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Tests wait more than they compute: three at once keep one core and a half busy.
JOBS ?= 3
CLIENTS := .clients

.DEFAULT_GOAL := help
.PHONY: help setup test slow clients demo stress stress-recovery stress-all modes format clean

help:
	@echo "make test    lint, formatting, types, and all tests but the slow ones"
	@echo "make slow    the tests that take seconds each by their nature"
	@echo "make clients  the endpoint with the AWS CLI, the SageMaker Python SDK and the JavaScript SDK, installed for it"
	@echo "make demo    a compilation and a tuning job, both stopped while they run"
	@echo "make stress  the behaviour cases of stops 20 times, idle and beside two busy loops (up to 20 minutes)"
	@echo "make stress-recovery  the same with the cases of supervisors that die (up to 20 minutes)"
	@echo "make stress-all  the same with every test that starts processes (hours)"
	@echo "make modes   140 programs of the twenty failure modes, in both isolations, compared with docs/modes-table.md"
	@echo "make setup   only the set-up that the others do by themselves"
	@echo "make format  let ruff format and mend what it can"
	@echo "make clean   remove what the others made"

setup: $(READY)

$(READY): pyproject.toml tests/tools/make_venv.sh
	@sh tests/tools/make_venv.sh $(VENV)
	@touch $@

test: $(READY)
	@echo "== ruff"
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@echo "== mypy"
	@$(BIN)/python -m mypy
	@echo "== pytest"
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

slow: $(READY)
	@$(BIN)/python -m pytest -n $(JOBS) -m slow

clients: $(READY) $(CLIENTS)/ready
	@$(BIN)/python -m tests.tools.alone $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --clients $(CLIENTS) tests/clients/heavy

$(CLIENTS)/ready: tests/tools/make_clients.sh $(wildcard tests/clients/heavy/install/*) | $(READY)
	@sh tests/tools/make_clients.sh $(CLIENTS) $(BIN)/python
	@touch $@

demo: $(READY)
	@$(BIN)/python -m runner demo

stress: $(READY)
	@$(BIN)/python -m tests.tools.stress stress

stress-recovery: $(READY)
	@$(BIN)/python -m tests.tools.stress stress_recovery

stress-all: $(READY)
	@$(BIN)/python -m tests.tools.stress process

modes: $(READY)
	@$(BIN)/python -m tests.tools.modes

format: $(READY)
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

clean:
	rm -rf $(VENV) $(CLIENTS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
