# Lineside. `make run` and `make test` are all that a fresh clone needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

# The first Python on the machine that is new enough; `make run PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PAGE := src/lineside/web/static/index.html
PEERS := bench/fanout/peers
# With the folders, which change when a file in them is deleted or renamed.
MONITOR_SOURCES := $(shell find apps/monitor -mindepth 1 -name node_modules -prune -o -print 2>/dev/null)
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

.PHONY: run
run: setup ## Set up if needed, then run the demo plant on http://127.0.0.1:8000
	@exec $(BIN)/lineside run --demo $(ARGS)

.PHONY: setup
setup: $(VENV)/.installed $(PAGE) ## Set up .venv and build the monitor

.PHONY: test
test: ## Install what the tests need, then run every check there is
	@./.ci/test

.PHONY: fmt
fmt: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff format src tests bench examples hatch_build.py && $(BIN)/ruff check --fix src tests bench examples hatch_build.py
	$(BIN)/python hatch_build.py npm run format

.PHONY: monitor-dev
monitor-dev: setup ## Run the monitor alone on http://localhost:3001, against a server on port 8000
	@exec $(BIN)/python hatch_build.py npm run dev

.PHONY: generate
generate: $(VENV)/.installed-dev ## Write the files that are generated from the schemas
	$(BIN)/python -m lineside.config.reference
	$(BIN)/python hatch_build.py npm run types

.PHONY: lock
lock: $(VENV)/.installed-dev ## Resolve the dependencies anew into requirements*.lock
	UV="$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11"
	$$UV pyproject.toml -o requirements.lock
	$$UV pyproject.toml --group build -o requirements-build.lock
	$$UV pyproject.toml --group build --group dev -o requirements-dev.lock
	$$UV --group bench -o requirements-bench.lock

.PHONY: autobahn
autobahn: $(VENV)/.installed-dev ## Run the Autobahn fuzzing client against the WebSocket layer (needs Python 2.7)
	@$(BIN)/python -m bench.autobahn $(ARGS)

.PHONY: simulate-seeds
simulate-seeds: $(VENV)/.installed-dev ## Play more simulated plants than the test run: ARGS="--seeds 0-100000"
	@export PYTHONPATH=tests
	if [ -n "$(ARGS)" ]; then exec $(BIN)/python -m simulation $(ARGS); fi
	$(BIN)/python -m simulation --seeds 0-10999
	$(BIN)/python -m simulation --seeds 0-71 --true-tick

.PHONY: bench
bench: $(VENV)/.installed-dev $(PAGE) .venv-bench/.installed $(PEERS)/node_modules/.package-lock.json ## Hold every bound on time, and measure Lineside beside its peers (an hour; ARGS=--quick: minutes)
	@for command in gcc nginx; do command -v $$command >/dev/null || missing+=" $$command"; done
	if [ -n "$${missing:-}" ] || [ ! -e /usr/lib/nginx/modules/ngx_nchan_module.so ]; then
	  if [ "$$(id -u)" -ne 0 ]; then echo "apt-get install gcc nginx-light libnginx-mod-nchan" >&2; exit 1; fi
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc nginx-light libnginx-mod-nchan >/dev/null
	fi
	export PYTHONPATH=tests
	status=0
	$(BIN)/python -m bench.fanout $(ARGS) || status=$$?
	if [ -z "$(ARGS)" ]; then
	  for name in promises freshness plant history page lanes; do $(BIN)/python -m bench.$$name || status=$$?; done
	fi
	exit $$status

.venv-bench/.installed: requirements-bench.lock
	@echo "Installing the servers to compare with (hash-checked) ..."
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -qq --require-hashes -r requirements-bench.lock
	touch $@

$(PEERS)/node_modules/.package-lock.json: $(PEERS)/package-lock.json | $(VENV)/.installed
	@$(BIN)/python -c "import hatch_build; hatch_build.install_packages(hatch_build.ROOT / '$(PEERS)')"

.PHONY: wheel
wheel: setup ## Build the wheel, monitor included, into dist/
	$(BIN)/python -m pip wheel -qq --no-deps --no-build-isolation -w dist .
	@ls -l dist/*.whl

.PHONY: clean
clean: ## Remove everything that was set up or built
	rm -rf $(VENV) .cache build dist apps/monitor/node_modules $(dir $(PAGE))
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then echo "Lineside needs Python 3.11 or newer; none was found on the PATH." >&2; exit 1; fi
	echo "Setting up in $(VENV) with $$($(PYTHON) --version) ..."
	if ! $(PYTHON) -m venv $(VENV); then
	  rm -rf $(VENV)
	  echo "This Python cannot make virtual environments. On Debian: apt-get install python3-venv" >&2
	  exit 1
	fi

$(VENV)/.installed: requirements-build.lock pyproject.toml hatch_build.py src/lineside/__init__.py | $(VENV)/bin/python
	@echo "Installing dependencies (hash-checked) ..."
	$(BIN)/python -m pip install -qq --require-hashes -r requirements-build.lock
	echo "Building the monitor and installing Lineside ..."
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the development dependencies (hash-checked) ..."
	$(BIN)/python -m pip install -qq --require-hashes -r requirements-dev.lock
	touch $@

$(PAGE): $(MONITOR_SOURCES) hatch_build.py | $(VENV)/.installed
	@echo "Building the monitor ..."
	$(BIN)/python hatch_build.py
	touch $@
