# Lämpiö: `make demo` and `make test` are all that a newcomer needs.
#
#   make demo        the whole house on http://localhost:8080, with seeded shows and a synthetic artist
#                    (FRESH=1 begins with an empty house)
#   make test        every check and every test, as in continuous integration
#   make soak        what takes minutes: half an hour of comings, goings and kills
#   make fuzz        bends whatever comes from outside for a while (SECONDS=60) and keeps what breaks
#   make check       the static checks alone;  make format  mends what can be mended
#   make locks       resolves the dependencies anew;  make wire, protocol, map  write what follows from the models
#   make migration M="what changes"   writes a migration from the difference to the models

SHELL := /bin/sh
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
UV := $(BIN)/uv
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A stamp's name carries the hash of what it stands for: a changed lock makes a new one.
hash = $(firstword $(shell cat $(1) 2>/dev/null | cksum))
VENV := .venv/.made
RUN := .venv/.run-$(call hash,requirements.lock pyproject.toml)
DEV := .venv/.dev-$(call hash,requirements.lock requirements-dev.lock pyproject.toml)
FONTS := web/static/fonts/.cut-$(call hash,web/fonts.py requirements.lock)
NODE := node_modules/.made-$(call hash,package-lock.json)

.PHONY: demo serve setup setup-dev system test soak fuzz check format lint types pytest wire protocol map pictures locks migration clean

demo: setup
	@exec $(BIN)/lampio demo $(if $(FRESH),--fresh)

serve: setup
	@exec $(BIN)/lampio serve

setup: $(RUN) $(FONTS)

setup-dev: system $(RUN) $(DEV) $(FONTS) $(NODE)

$(VENV):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "The package python3-venv is missing: apt install python3-venv"; exit 1; }
	@echo "Making the environment…"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	@touch $@

$(RUN): | $(VENV)
	@echo "Installing the libraries…"
	@$(UV) pip install --quiet --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --offline --no-deps --no-build-isolation -e .
	@rm -f .venv/.run-* && touch $@

$(DEV): | $(RUN)
	@$(UV) pip install --quiet --require-hashes -r requirements-dev.lock
	@rm -f .venv/.dev-* && touch $@

$(FONTS): | $(RUN)
	@$(BIN)/python -m web.fonts
	@rm -f web/static/fonts/.cut-* && touch $@

$(NODE): | system
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@rm -f node_modules/.made-* && touch $@

# What the tests need from the system: Chromium, redis, node, a font.
system:
	@sh tests/system.sh

test: setup-dev lint types pytest

check: setup-dev lint types

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	node_modules/.bin/tsc --noEmit -p tsconfig.json

# Side by side, with the evenings in a lane of their own; what measures runs alone and last, so that
# nothing beside it disturbs the figures.
pytest:
	$(BIN)/pytest -n 2 -m "not measure and not soak"
	$(BIN)/pytest -m "measure and not soak"

# What takes minutes: half an hour of comings, goings and kills, and the long forms of short tests.
soak: setup-dev
	$(BIN)/pytest -m soak

# Each target in turn; what breaks one is kept in tests/fuzz/corpus and fails `make test` until mended.
fuzz: setup-dev
	$(BIN)/python -m tests.fuzz.run $(or $(SECONDS),60)

format:
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

wire:
	$(BIN)/python -m web.wire

protocol:
	$(BIN)/python -m web.protocol

map:
	$(BIN)/python -m tests.house_map

pictures: setup-dev
	$(BIN)/python -m tests.evening.pictures

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--only-binary :all: --no-header --no-annotate

locks: | $(VENV)
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	$(COMPILE) pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group bootstrap -o requirements-uv.lock
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

migration: setup
	$(BIN)/python -m infra.migrations "$(M)" rooms.tables recordings.tables

clean:
	rm -rf .venv node_modules web/static/fonts build *.egg-info .mypy_cache .ruff_cache .pytest_cache
