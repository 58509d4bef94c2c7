# GNU make 3.81 and a POSIX shell will do. Nothing is installed outside this folder.

PYTHON ?= python3
UV_VERSION := 0.13.9

FOUND_UV := $(shell command -v uv 2>/dev/null)
UV := $(if $(FOUND_UV),$(FOUND_UV),.tools/bin/uv)
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard packages/*/pyproject.toml services/*/pyproject.toml))
SOURCES := $(addsuffix /src,$(MEMBERS))
LOCKS := packages/authstack/src/authstack/locks.py

PYTHON_OK = $(shell $(PYTHON) -c 'import sys, ensurepip, venv; print(sys.version_info >= (3, 11))' 2>/dev/null)

.PHONY: help demo setup down test check fmt lock need-python
.DEFAULT_GOAL := help

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## run the whole system on this machine, no Docker (ARGS="--detach …")
	@exec .venv/bin/authstack up $(ARGS)

down: setup ## end what `make demo ARGS=--detach` started
	@exec .venv/bin/authstack down $(ARGS)

setup: .venv/.ready localstack/.venv/.ready ## make both virtual environments

check: setup ## lint, types, unit, contract and architecture tests (under a minute)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(SOURCES)
	MYPYPATH=localstack/src .venv/bin/mypy --python-executable localstack/.venv/bin/python localstack/src
	.venv/bin/pytest -q tests/unit tests/contract tests/architecture

test: check ## check, then integration and end-to-end tests on the embedded stack
	.venv/bin/pytest -q localstack/tests
	.venv/bin/pytest -q tests/integration tests/e2e

fmt: setup ## format, and repair what ruff can repair
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: $(if $(FOUND_UV),,.tools/bin/uv) ## resolve every lock file anew (ARGS=--upgrade)
	$(PYTHON) -I $(LOCKS) write $(UV) $(ARGS)

.venv/.ready: requirements.lock $(MEMBERS:%=%/pyproject.toml) | need-python $(if $(FOUND_UV),,.tools/bin/uv)
	@echo "Setting up .venv"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) --no-python-downloads .venv
	@$(UV) pip sync --quiet --python .venv requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(MEMBERS:%=--editable %)
	@touch $@

localstack/.venv/.ready: localstack/requirements.lock localstack/pyproject.toml | need-python $(if $(FOUND_UV),,.tools/bin/uv)
	@echo "Setting up localstack/.venv"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) --no-python-downloads localstack/.venv
	@$(UV) pip sync --quiet --python localstack/.venv localstack/requirements.lock
	@$(UV) pip install --quiet --python localstack/.venv --no-deps --no-build-isolation --editable localstack
	@touch $@

.tools/bin/uv: | need-python
	@echo "Installing uv into .tools"
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

need-python:
	@:$(if $(filter True,$(PYTHON_OK)),,$(error Python 3.11 or newer with venv is missing (Debian: python3-venv); install it or set PYTHON=/path/to/python3))
