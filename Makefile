# Each target sets itself up: Python 3.11, 3.12 or 3.13 with pip, and make, are all that has to be there.
# `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help run test quick-test install-test check format coverage capability-statement interactions constraints fuzz standstill \
	examples modifiers interop validation dist clean pythons

# The Pythons that pyproject.toml names, oldest first: each from the path, else from pyenv, if it can build the environment.
VERSIONS := $(shell sed -n 's/.*Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml)
PYENV_ROOT ?= $(HOME)/.pyenv
at = python$(1) $(wildcard $(PYENV_ROOT)/versions/$(1).*/bin/python)
first = $(shell for name in $(1); do \
	$$name -c 'import pip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

NEWEST_FIRST := $(shell printf '%s\n' $(VERSIONS) | sort -Vr)

# The newest of them; else whatever python3 is, if it is new enough.
PYTHON ?= $(call first,$(foreach version,$(NEWEST_FIRST),$(call at,$(version))) python3)

PORT ?= 8080
WORKERS ?= 2
UPGRADE ?=
EXAMPLES ?= 20000

VENV ?= .venv
BIN = $(VENV)/bin
# Into the environment that the target lies in.
INSTALL = -m pip --python $(@D)/bin/python --disable-pip-version-check install --quiet --no-input

# Built afresh whenever it is out of date, so that it never holds what constraints.txt no longer names.
# --no-deps: the lock is complete, so nothing is resolved here, and no new release can break it; hashes check each file.
$(VENV)/.ready: constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'fhir-bridge needs Python 3.11 or newer with pip and venv; PYTHON=... names one.' >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) $(INSTALL) --no-deps --require-hashes --requirement constraints.txt
	$(PYTHON) $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 24

run: $(VENV)/.ready ## Run the bridge in front of simulated partners, on PORT (8080).
	$(BIN)/fhir-bridge sandbox --port $(PORT)

# tests/installing is for install-test: it needs the network.
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/installing
SLOW := tests/fhir/test_official_examples.py tests/fhir/test_xml_examples.py tests/fhir/test_conversion_laws.py \
	tests/fhir/test_base_invariants.py tests/mapping/test_laws.py tests/server/test_validate_agrees.py tests/e2e \
	tests/testscript/test_official_examples.py tests/interop tests/fuzz

test: $(VENV)/.ready ## Run the tests in WORKERS (2) processes; every branch of fhir/ and mapping/ must be taken.
	$(PYTEST) --cov --cov-report=
	$(BIN)/python -m coverage report --include='fhir_bridge/fhir/*,fhir_bridge/mapping/*' --fail-under=100

quick-test: $(VENV)/.ready ## Run all tests but the slow ones, which is what each further Python runs; VENV=... keeps it apart.
	$(PYTEST) $(SLOW:%=--ignore=%)

install-test: $(VENV)/.ready ## Install the lock and the wheel with the oldest and the newest pip, on every Python that is here.
	$(BIN)/python -m pytest tests/installing

check: $(VENV)/.ready ## Check format, lint, types, mappings and profiles.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/fhir-bridge check

format: $(VENV)/.ready ## Put the source into the one format, and mend what the linter can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: test ## Run the tests, then show every line and branch that they left out, also as htmlcov/.
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report

capability-statement: $(VENV)/.ready ## Write capability-statement.json anew, from what the bridge serves.
	$(BIN)/python -m tests.capability_statement

interactions: $(VENV)/.ready ## Write the tables of docs/interactions.md anew, from the mapping files.
	$(BIN)/python -m tests.interactions

# uv resolves for every platform and Python version at once, which pip cannot; it needs no place in .venv.
COMPILE = .uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make constraints' $(UPGRADE)

constraints: .uv/.ready ## Write constraints.txt anew from pyproject.toml; UPGRADE=--upgrade takes the newest versions.
	$(COMPILE) --extra dev --output-file constraints.txt pyproject.toml
	$(COMPILE) --output-file tests/interop/python/requirements.txt tests/interop/python/requirements.in
	echo uv | $(COMPILE) --output-file .ci/uv.txt -

.uv/.ready: .ci/uv.txt
	rm -rf .uv
	$(PYTHON) -m venv --without-pip .uv
	$(PYTHON) $(INSTALL) --no-deps --require-hashes --requirement $<
	@touch $@

fuzz: $(VENV)/.ready ## Send EXAMPLES (20000) requests of every kind to the bridge; `make test` sends 300.
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz

standstill: $(VENV)/.ready ## Attack a running bridge, and print how long others wait meanwhile.
	$(BIN)/python -m benchmarks.standstill

examples: tests/fhir/node_modules/.package-lock.json ## Install HL7's examples, without which their test is skipped (npm).

tests/fhir/node_modules/.package-lock.json: tests/fhir/package-lock.json
	cd tests/fhir && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

modifiers: $(VENV)/.ready examples ## Write the table of FHIR's modifier elements anew from HL7's definitions.
	$(BIN)/python -m tests.fhir.write_modifiers

# The Java clients are built by tests/interop/java/run; whoever has no Node.js or no Java runs the others.
interop: $(VENV)/.ready tests/interop/.venv/.ready tests/interop/node/node_modules/.package-lock.json ## Have real clients drive the sandbox (npm, Java, Maven).
	$(BIN)/python -m tests.interop

validation: $(VENV)/.ready ## Have HAPI's validator judge what is ours, and beside our own checks (Java, Maven).
	$(BIN)/python -m tests.interop.validation
	$(BIN)/python -m tests.interop.conversion

tests/interop/.venv/.ready: tests/interop/python/requirements.txt
	rm -rf tests/interop/.venv
	$(PYTHON) -m venv --without-pip tests/interop/.venv
	$(PYTHON) $(INSTALL) --no-deps --require-hashes --requirement $<
	@touch $@

tests/interop/node/node_modules/.package-lock.json: tests/interop/node/package-lock.json
	! command -v npm >/dev/null || { cd $(<D) && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json; }

dist: $(VENV)/.ready ## Build the wheel into dist/.
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel

clean: ## Remove all that these targets made, but for what is committed.
	rm -rf .venv .venv-* .uv build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf tests/fhir/node_modules tests/interop/.venv tests/interop/node/node_modules tests/interop/java/target
	find fhir_bridge tests -name __pycache__ -prune -exec rm -rf {} +

pythons:
	@$(foreach version,$(VERSIONS),echo $(version) $(call first,$(call at,$(version)));)
