# Everything starts here. `make help` lists it; `make run` needs nothing but Python 3.11 and make.

DATA ?= data
PORT ?= 8000
WORKERS ?= 2

# The first Python on the path that is 3.11.
PYTHON := $(shell for name in python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
	&& { echo "$$name"; break; }; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test check branches mutants bench openapi

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed ## Install everything into .venv

run: setup ## Start the whole federation with demonstration data (DATA=data PORT=8000)
	@$(BIN)/reseau up --data-dir $(DATA) --port $(PORT) --demo

test: setup ## Run every test (WORKERS=2)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --durations=20

check: setup ## Lint, types, borders between packages, then every test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

branches: setup ## Show that the tests of the arithmetic take every branch of it
	$(BIN)/python -m tests.mutants.branches

mutants: setup ## Change the arithmetic piece by piece: tests must fail (MODULES=services.common.money)
	$(BIN)/python -m tests.mutants $(MODULES)

bench: setup ## Measure against the targets, each beside its bound
	$(BIN)/python -m tests.benchmarks

openapi: setup ## Write the OpenAPI documents of api/ anew from the code
	$(BIN)/python -m deploy.openapi

# Done again only when the lock or the project's own description has changed.
.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 est introuvable / Python 3.11 is not found" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --no-input --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --no-input --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
