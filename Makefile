# `make demo` and `make test` need Python 3.11 to 3.13 and make, nothing else; uv is used where it is found.

VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

# The first Python that is new enough and not too new; PYTHON=... chooses another.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python; do \
	if $$p -c '$(SUITS)' >/dev/null 2>&1; then echo $$p; break; fi; done)

# Tests that run at once; `make test JOBS=0` runs them one after the other.
JOBS ?= 2

# Nothing is installed again until one of these changes.
PINS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint format picture clean

help:
	@echo 'make demo       set everything up, read the seed digests, backtest every strategy, write demo/report.html'
	@echo 'make test       set everything up, run the tests'
	@echo 'make test-slow  the tests that were left out there, which go the same ways at length'
	@echo 'make lint       ruff and mypy --strict'
	@echo 'make format     write the source as ruff formats it'
	@echo 'make picture    draw docs/demo.svg anew, from the SIMULATED market'
	@echo 'make clean      remove what the others made; the virtual environment too'

$(BIN)/python:
	@if [ -z "$(PYTHON)" ] && [ -z "$(UV)" ]; then \
		echo 'No Python 3.11 to 3.13 was found; install one, or name it: make PYTHON=/path/to/python3.12 ...' >&2; exit 2; fi
	@echo 'Setting up $(VENV) (once) ...'
	@if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --allow-existing --python "$(or $(PYTHON),3.12)" $(VENV); \
		else "$(PYTHON)" -m venv $(VENV); fi

# What a user needs.
$(VENV)/.ready: $(BIN)/python $(PINS)
	@$(call install,.)
	@touch $@

# What the tests need on top.
$(VENV)/.ready-dev: $(BIN)/python $(PINS)
	@$(call install,.[dev$(comma)gate])
	@touch $(VENV)/.ready $@

comma := ,
define install
echo 'Installing $(1) ...' && if [ -n "$(UV)" ]; then \
	"$(UV)" pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '$(1)'; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '$(1)'; fi
endef

# Numba compiles the walk once a machine; done here, the demo itself is quick.
$(VENV)/.warm: $(VENV)/.ready $(wildcard kernels/*.py strategies/*.py) engine/compile.py
	@$(BIN)/tocsin doctor --warm --json >/dev/null
	@touch $@

setup: $(VENV)/.ready $(VENV)/.warm

demo: setup
	@$(BIN)/tocsin demo --out demo

# Compiled beforehand, so that no two processes of the tests compile the same.
test: $(VENV)/.ready-dev $(VENV)/.warm
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

test-slow: $(VENV)/.ready-dev $(VENV)/.warm
	$(BIN)/python -m pytest -q -m slow -n $(JOBS) --dist worksteal

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

picture: setup
	@$(BIN)/tocsin demo --out demo --json >/dev/null
	@cp demo/picture.svg docs/demo.svg
	@echo 'Drew docs/demo.svg.'

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
