# Each target makes .venv when it is missing or out of date: two commands, nothing before them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
INSTALL = $(if $(UV),$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
PYTEST = $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: app test check lint bench clean
.DEFAULT_GOAL := help

help:
	@echo "make app    open Pizza Night in the browser"
	@echo "make test   run all tests, the browser's too"
	@echo "make check  format, lint, types and the quick tests, in less than a minute"
	@echo "make bench  print how fast it is against named peers"

app: $(VENV)/.app
	$(BIN)/streamlit run pages/ui/server.py

test: $(VENV)/.dev browser
	$(PYTEST) $(ARGS)

check: lint
	$(PYTEST) --ignore=tests/browser -m "not browser and not data and not slow" $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: help browser
browser: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	$(if $(UV),$(UV) venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/.app: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --constraint constraints.txt --editable ".[e5]"
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(VENV)/.bench: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --constraint constraints.txt --editable ".[bench]"
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
