# Every command a developer or CI needs. `make` alone lists them.
VENV ?= .venv
PY = $(VENV)/bin/python
export PYTHONPATH = src
# Compiled once, not at each of a thousand starts; an installed pabal has it the same way.
export PYTHONDONTWRITEBYTECODE =
export PYTHONPYCACHEPREFIX = $(abspath $(VENV))/bytecode
TESTS ?= tests
# Two processes: the machines this is built on have two cores.
PYTEST = $(PY) -m pytest -q -p no:cacheprovider -n 2 --dist loadfile

.PHONY: help lab test check fmt fmt-check lint types imports arch bench slow clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(VENV)/.installed: pyproject.toml constraints.txt tools/venv.sh
	@sh tools/venv.sh $(VENV)
	@touch $@

lab: $(VENV)/.installed ## two mail servers and their name server on this machine: watch a mail travel
	@$(PY) -m pabal lab $(ARGS)

test: $(VENV)/.installed ## everything that must pass: units, dialogues, scenarios, real processes
	$(PYTEST) -m "not slow" $(TESTS)

check: fmt-check lint types imports arch test ## the gate: format, lint, types, imports, architecture, tests

fmt: $(VENV)/.installed ## format and mend what can be mended
	$(PY) -m ruff format . && $(PY) -m ruff check --fix .

fmt-check: $(VENV)/.installed
	$(PY) -m ruff format --check .

lint: $(VENV)/.installed
	$(PY) -m ruff check .

types: $(VENV)/.installed
	$(PY) -m mypy

imports: $(VENV)/.installed
	$(VENV)/bin/lint-imports --no-cache

arch: $(VENV)/.installed
	$(PY) -m pytest -q -p no:cacheprovider tests/arch

slow: $(VENV)/.installed ## the long proofs: fuzzing, kill -9 loops, peers
	$(PYTEST) -m slow $(TESTS) --timeout 900

bench: $(VENV)/.installed ## measure beside Postfix, Dovecot and BIND where they are installed
	$(PY) bench/run.py $(ARGS)

clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
