# Everything that a person or CI runs. `make help` lists it.
# Paths are relative, so that a project folder with spaces in its name works.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The lock file is the only source of packages: hashes are required, and nothing is built from an unpinned tool.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: help run test check format lint types imports drift words bench screenshots lock clean

help: ## List what can be done
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("stockade: Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Stockade's pinned dependencies into $(VENV) …"
	@$(PIP_INSTALL) -r requirements/run.txt
	@$(BIN)/python tools/link.py
	@touch $@

$(VENV)/develop.stamp: requirements/develop.txt $(VENV)/run.stamp
	@echo "Installing the development tools …"
	@$(PIP_INSTALL) -r requirements/develop.txt
	@touch $@

run: $(VENV)/run.stamp ## Run the platform at https://localhost:8443, demo data included
	@exec $(BIN)/stockade serve

test: $(VENV)/develop.stamp ## Run the tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/develop.stamp format lint types imports drift words test ## Everything that CI runs

format: $(VENV)/develop.stamp ## Is the code formatted?
	@$(BIN)/ruff format --check src tests bench verifier tools

lint: $(VENV)/develop.stamp ## Ruff's rules
	@$(BIN)/ruff check src tests bench verifier tools

types: $(VENV)/develop.stamp ## mypy, strict
	@$(BIN)/mypy

imports: $(VENV)/develop.stamp ## Rooms import downwards only
	@$(BIN)/lint-imports --no-logo

drift: $(VENV)/develop.stamp ## Do declaration, migration and live catalogue agree?
	@$(BIN)/python -m tools.drift

words: $(VENV)/develop.stamp ## Is every text for people translated?
	@$(BIN)/python -m tools.words --check

bench: $(VENV)/develop.stamp ## Measure, and write bench/results/latest.json and a table
	@$(BIN)/python -m bench.run

screenshots: $(VENV)/develop.stamp ## Fresh screenshots for the README
	@$(BIN)/python -m tools.screenshots

lock: ## Write requirements/ anew, with hashes and without addresses
	@$(PYTHON) tools/lock.py

clean: ## Remove what was installed and cached (data folders stay)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
