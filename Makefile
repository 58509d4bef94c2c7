# GNU make 3.81 and a POSIX shell will do. Nothing is installed outside this folder.

PYTHON ?= python3
UV_VERSION := 0.13.9

FOUND_UV := $(shell command -v uv 2>/dev/null)
UV := $(if $(FOUND_UV),$(FOUND_UV),.tools/bin/uv)
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard packages/*/pyproject.toml services/*/pyproject.toml))
SOURCES := $(addsuffix /src,$(MEMBERS))
LOCKS := packages/authstack/src/authstack/locks.py

DEMO_USERNAME ?= demo@example.com
DEMO_PASSWORD ?= Demo-Passw0rd-1!

WELCOME_LINES := 4
TLS_FILES := docker-compose.yml:compose.tls.yml
COMPOSE := $(if $(TLS),COMPOSE_FILE=$(TLS_FILES)) docker compose

PYTHON_OK = $(shell $(PYTHON) -c 'import sys, ensurepip, venv; print(sys.version_info >= (3, 11))' 2>/dev/null)

.PHONY: help demo up smoke setup down logs test test-compose check screenshots fmt lock need-docker need-python
.DEFAULT_GOAL := help

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## run the whole system on this machine, no Docker (ARGS="--detach …")
	@exec .venv/bin/authstack up $(ARGS)

up: .env | need-docker ## run the whole system in containers (PROFILE=keycloak, localstack or cognito; TLS=1)
	@$(if $(PROFILE),COMPOSE_PROFILES=$(PROFILE)) $(COMPOSE) up --build --detach --wait --wait-timeout 300 || { \
	  $(COMPOSE) logs --no-log-prefix init check $(if $(TLS),certificates); exit 1; }
	@docker logs --tail $(WELCOME_LINES) "$$($(COMPOSE) ps --all --quiet check)"
	@echo '$(if $(TLS),,make smoke walks every flow, )make logs follows what they say, make down ends it all.'

smoke: setup ## walk every flow of what runs here, as three clients do, without a browser
	@client=$$(docker compose ps --quiet client-preregistered 2>/dev/null); \
	if [ -z "$$client" ]; then .venv/bin/authstack smoke $(ARGS); else \
	  docker exec $$client cat /run/authstack/preregistered_client_secret | \
	  AUTHSTACK_SMOKE_PASSWORD='$(DEMO_PASSWORD)' .venv/bin/authstack smoke --username '$(DEMO_USERNAME)' \
	    --resource http://localhost:3001/mcp --client-id demo-preregistered --client-secret-file /dev/stdin \
	    --client-metadata-url http://localhost:3003/client-metadata.json $(ARGS); fi

logs: ## follow the log of what `make up` started (TLS=1)
	@$(COMPOSE) --profile '*' logs --follow

down: ## end what `make up` and `make demo ARGS=--detach` started; what they stored stays
	@if docker info >/dev/null 2>&1; then \
	  docker compose --profile '*' down --remove-orphans && \
	  COMPOSE_FILE=$(TLS_FILES) docker compose --profile '*' down --remove-orphans; fi
	@if [ -x .venv/bin/authstack ]; then .venv/bin/authstack down $(ARGS); fi

.env:
	cp .env.example .env

setup: .venv/.ready localstack/.venv/.ready ## make both virtual environments

check: setup ## lint, types, unit, contract and architecture tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(SOURCES)
	MYPYPATH=localstack/src .venv/bin/mypy --python-executable localstack/.venv/bin/python localstack/src
	.venv/bin/pytest -q -n auto --dist loadfile -m "not keycloak" tests/unit tests/contract tests/architecture

test: check ## check, then integration and end-to-end tests on the embedded stack
	.venv/bin/pytest -q -n auto --dist loadfile localstack/tests
	.venv/bin/pytest -q -m keycloak tests/contract
	.venv/bin/pytest -q -n 2 --dist loadfile tests/integration
	.venv/bin/pytest -q -n 2 --dist loadfile tests/e2e

test-compose: setup | need-docker ## the system in containers, each profile (PROFILE=… for one of them)
	$(if $(PROFILE),COMPOSE_PROFILES=$(PROFILE)) .venv/bin/pytest -q tests/compose

screenshots: setup ## take the pictures of docs/images anew (needs Chromium)
	.venv/bin/python tests/screenshots.py

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

need-docker:
	@docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1 || { \
	  echo "Docker (engine 25 or newer) with Compose is missing or its engine does not answer" >&2; exit 1; }

need-python:
	@:$(if $(filter True,$(PYTHON_OK)),,$(error Python 3.11 or newer with venv is missing (Debian: python3-venv); install it or set PYTHON=/path/to/python3))
