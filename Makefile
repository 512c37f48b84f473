# Every command that CI, a contributor or a new user runs. `make help` lists them.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
COMMAND := $(VENV)/.command
STAMP := $(VENV)/.tools
WORKERS ?= 2
COMPILED := target/compiled

.PHONY: help setup demo test test-compiled compiled matrix check format bench demo-dump screenshots clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(COMMAND): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "adp-tui needs Python 3.11 or newer ($(PYTHON) is older): apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(STAMP): $(COMMAND) requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(STAMP) ## Make the virtual environment with adp-tui and the test tools in it

demo: $(COMMAND) ## Open the crash dump that ships with adp-tui
	$(BIN)/adp-tui demo

tools:
	@command -v cargo >/dev/null || { echo "The tests build real Rust programs, and cargo is missing:"; \
	  echo "  apt-get install rustup && rustup default stable    (or https://rustup.rs)"; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing: apt-get install gcc"; exit 1; }
	@command -v gdb >/dev/null || { echo "gdb, which the stacks are compared with, is missing: apt-get install gdb"; exit 1; }
	@command -v objcopy >/dev/null || { echo "objcopy is missing: apt-get install binutils"; exit 1; }

# The command is started hundreds of times: Python may keep what it has compiled.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) tools ## Run the tests (builds the test programs the first time)
	$(BIN)/pytest -q -n $(WORKERS)

$(COMPILED)/.made: hatch_build.py $(shell find engine backends tui widgets -name '*.py') | $(STAMP)
	$(BIN)/python hatch_build.py
	@touch $@

compiled: $(COMPILED)/.made ## Compile the readers of ELF and DWARF, into target/compiled

# What a reader meets first: damage, all kinds of values, and stacks. The rest is the same code.
test-compiled: export PYTHONDONTWRITEBYTECODE =
test-compiled: export PYTHONSAFEPATH = 1
test-compiled: export PYTHONPATH = $(abspath $(COMPILED))
test-compiled: compiled tools ## Run the tests of the readers with compiled ones
	$(BIN)/pytest -q -n $(WORKERS) tests/unit tests/hostile tests/unwind tests/values

matrix: $(STAMP) tools ## Test every version and build, into docs/matrix.md (long; goes on where it stopped)
	$(BIN)/python tests/matrix.py

check: $(STAMP) ## Lint, types and import rules: exactly what CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) tools compiled ## Compare with gdb on the same core, alternating in one run
	$(BIN)/python benchmarks/report_vs_gdb.py

demo-dump: $(STAMP) ## Make the demo's crash dump anew (needs cargo)
	$(BIN)/python demo/make.py

screenshots: $(COMMAND) ## Make the pictures in screenshots/ from the demo
	$(BIN)/python screenshots/make.py

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
