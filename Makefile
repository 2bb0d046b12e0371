# Each target sets itself up: Python 3.11 or newer with pip, and make, are all that has to be there.
# `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help run test check format coverage capability-statement interactions constraints fuzz examples modifiers interop validation clean python

# The first Python on the path that is new enough and has what builds the environment.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import pip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

PORT ?= 8080
WORKERS ?= 2
UPGRADE ?=
EXAMPLES ?= 20000

BIN := .venv/bin
# Into the environment that the target lies in.
INSTALL = -m pip --python $(@D)/bin/python --disable-pip-version-check install --quiet --no-input

# Built afresh whenever it is out of date, so that it never holds what constraints.txt no longer names.
# --no-deps: the lock is complete, so nothing is resolved here, and no new release can break it; hashes check each file.
.venv/.ready: constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'fhir-bridge needs Python 3.11 or newer with pip and venv; PYTHON=... names one.' >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) $(INSTALL) --no-deps --require-hashes --requirement constraints.txt
	$(PYTHON) $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 24

run: .venv/.ready ## Run the bridge in front of simulated partners, on PORT (8080).
	$(BIN)/fhir-bridge sandbox --port $(PORT)

test: .venv/.ready ## Run the tests in WORKERS (2) processes; every branch of fhir/ and mapping/ must be taken.
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/python -m coverage report --include='fhir_bridge/fhir/*,fhir_bridge/mapping/*' --fail-under=100

check: .venv/.ready ## Check format, lint, types, mappings and profiles.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/fhir-bridge check

format: .venv/.ready ## Put the source into the one format, and mend what the linter can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: test ## Run the tests, then show every line and branch that they left out, also as htmlcov/.
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report

capability-statement: .venv/.ready ## Write capability-statement.json anew, from what the bridge serves.
	$(BIN)/python -m tests.capability_statement

interactions: .venv/.ready ## Write the tables of docs/interactions.md anew, from the mapping files.
	$(BIN)/python -m tests.interactions

# uv resolves for every platform and Python version at once, which pip cannot; it needs no place in .venv.
constraints: ## Write constraints.txt anew from pyproject.toml; UPGRADE=--upgrade takes the newest versions.
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip --disable-pip-version-check install --quiet uv
	.uv/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make constraints' \
		$(UPGRADE) --output-file constraints.txt pyproject.toml
	.uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make constraints' \
		$(UPGRADE) --output-file tests/interop/python/requirements.txt tests/interop/python/requirements.in

fuzz: .venv/.ready ## Send EXAMPLES (20000) requests of every kind to the bridge; `make test` sends 300.
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz

examples: tests/fhir/node_modules/.package-lock.json ## Install HL7's examples, without which their test is skipped (npm).

tests/fhir/node_modules/.package-lock.json: tests/fhir/package-lock.json
	cd tests/fhir && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

modifiers: .venv/.ready examples ## Write the table of FHIR's modifier elements anew from HL7's definitions.
	$(BIN)/python -m tests.fhir.write_modifiers

# The Java clients are built by tests/interop/java/run; whoever has no Node.js or no Java runs the others.
interop: .venv/.ready tests/interop/.venv/.ready tests/interop/node/node_modules/.package-lock.json ## Have real clients drive the sandbox (npm, Java, Maven).
	$(BIN)/python -m tests.interop

validation: .venv/.ready ## Have HAPI's validator judge what is ours, and beside our own checks (Java, Maven).
	$(BIN)/python -m tests.interop.validation

tests/interop/.venv/.ready: tests/interop/python/requirements.txt
	rm -rf tests/interop/.venv
	$(PYTHON) -m venv --without-pip tests/interop/.venv
	$(PYTHON) $(INSTALL) --no-deps --require-hashes --requirement $<
	@touch $@

tests/interop/node/node_modules/.package-lock.json: tests/interop/node/package-lock.json
	! command -v npm >/dev/null || { cd $(<D) && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json; }

clean: ## Remove all that these targets made, but for what is committed.
	rm -rf .venv .uv build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf tests/fhir/node_modules tests/interop/.venv tests/interop/node/node_modules tests/interop/java/target
	find fhir_bridge tests -name __pycache__ -prune -exec rm -rf {} +

python:
	@echo $(PYTHON)
