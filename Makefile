# `make lab` to try it, `make test` to prove it. `make help` lists the rest.
# Needs Python 3.11 or newer and PyPI; everything it installs goes into .venv.

# A Debian python3 without python3-venv has no ensurepip, and a pyenv shim may point nowhere: try each.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v $$python && break; done)

.PHONY: help lab test bench lint fmt clean
.DEFAULT_GOAL := help

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

lab: .venv/.lab ## install into .venv and open the first notebook in JupyterLab
	.venv/bin/ollama-lab lab notebooks/01-first-prompt.ipynb

test: .venv/.dev ## run every test; skipped suites say what enables them
	.ci/debian-packages
	.venv/bin/python -m pytest

bench: .venv/.dev ## measure, and write the table into benchmarks/
	.venv/bin/python -m benchmarks

lint: ## what .ci/run checks without running anything
	.ci/run lint types

fmt: .venv/.dev ## format code and strip notebook outputs
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
	.venv/bin/nbstripout --keep-id notebooks/*.ipynb

clean: ## remove .venv and everything that was built
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .coverage

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer that can make environments is on PATH." \
	"Install one with: apt-get install python3 python3-venv; or name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade pip

# The stamps make the second start fast; pip runs again only when pyproject.toml changes.
.venv/.lab: pyproject.toml | .venv/bin/python
	@echo "Installing ollama-lab and JupyterLab into .venv; the first time takes a minute or two."
	.venv/bin/python -m pip install --quiet --editable '.[jupyter,engine]' 'jupyterlab>=4.4,<5'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	@echo "Installing ollama-lab and its development tools into .venv; the first time takes a few minutes."
	.venv/bin/python -m pip install --quiet --editable '.[jupyter,engine,dev]'
	@touch $@ .venv/.lab
