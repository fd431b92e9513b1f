# Everything a person or a machine does with this checkout. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
EXTRAS := api,worker,trainers,cli,stack,dev
PYTEST := $(BIN)/python -m pytest
# The pages' own scripts; those in vendor/ are other people's.
SCRIPTS := $(wildcard api/dashboard/static/*.js)
DENO := DENO_DIR=$(VENV)/deno DENO_NO_UPDATE_CHECK=1 $(BIN)/deno
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without kept bytecode every test process rewrites the assertions of all tests anew, 7 s of a core each.
export PYTHONDONTWRITEBYTECODE :=
# Unreadable progress bars and warnings about indexes help nobody; errors are shown.
PIP := $(BIN)/python -m pip -qq --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install up demo test test-unit test-all test-browser test-stalls test-containers browser lint docs format hashes audit bench bench-train bench-memory bench-quality bench-best bench-alarms bench-queue bench-attack bench-judge check-gpu chaos fuzz fuzz-uploads pictures words lint-types lint-rest clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 make install   chooses the Python (3.11 or later) that the environment is made with"

install: $(INSTALLED) ## Make the environment in .venv (about 5 GB, once)

# The stamp is the last thing written: an interrupted install is taken up again, and a changed pyproject or constraints
# file brings the environment up to date.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "ganforge needs Python 3.11 or later, and $(PYTHON) is $$({ $(PYTHON) --version; } 2>/dev/null || echo missing)." \
			"Say which to use: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making the environment in $(VENV)"; \
		$(PYTHON) -m venv --clear $(VENV) || { \
			echo "The environment could not be made. On Debian: apt-get install python3-venv" >&2; exit 1; }; }
	@echo "Installing the pinned packages into $(VENV): about 5 GB, most of it torch, once. This takes some minutes."
	@# What pip was killed over has no RECORD yet, but pip would take it for installed.
	@find $(VENV)/lib -name '*.dist-info' ! -exec test -e {}/RECORD ';' -prune -exec rm -rf {} +
	@# A quarter of the files are ever imported. Python compiles those, each when it is first imported.
	@$(PIP) install --no-compile --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@
	@echo "Installed."

up: $(INSTALLED) ## Run the whole service here, in the foreground; Ctrl-C stops it
	@$(BIN)/ganforge up

demo: $(INSTALLED) ## Train, draw and download real digits through the whole service
	@$(BIN)/ganforge demo

test: $(INSTALLED) ## Run the tests, on the real servers (the long series left out)
	@$(PYTEST) -m "not slow" --numprocesses 4 --dist loadgroup --no-loadscope-reorder

test-unit: $(INSTALLED) ## Run the tests that need no server and no long training (about a minute)
	@$(PYTEST) -m "not slow and not server and not long" --numprocesses 2 --dist worksteal

test-all: $(INSTALLED) ## Run the long series, and the pages in a real browser
	@$(PYTEST) -m slow --numprocesses 3 --dist loadfile --no-loadscope-reorder

test-browser: $(INSTALLED) ## Run the pages in a real browser over the running service (part of test-all)
	@$(PYTEST) tests/browser

test-stalls: $(INSTALLED) ## Look for false alarms of stalls in RUNS slow trainings (50 take about 10 minutes; part of no other target)
	@STALL_RUNS=$(or $(RUNS),50) $(PYTEST) tests/worker/test_no_false_stalls.py

test-containers: $(INSTALLED) ## Build the images and try compose.yaml with podman, as root (part of no other target; docs/08-containers.md)
	@$(BIN)/python -m tools.containers $(CONTAINERS)

browser: ## Install the browser that the tests of the pages drive (Debian and Ubuntu; as root, or with sudo)
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq \
	  && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; }

pictures: $(INSTALLED) ## Take the pictures of the guide from a running service (three minutes; needs chromium: make browser)
	@$(BIN)/python -m tools.pictures $(PICTURES)

words: $(INSTALLED) ## Bring the catalogues of the pages up to date with their texts
	@$(BIN)/python -m tools.catalogues

chaos: $(INSTALLED) ## Break the running service RUNS times, drawn by SEED (200 take about a quarter of an hour)
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --runs $(or $(RUNS),200) --json $(or $(JSON),chaos.json)

fuzz-uploads: $(INSTALLED) ## Mutate archives and pictures for SECONDS, drawn by SEED, against packers in their limits
	@$(BIN)/python -m tests.fuzz_uploads --seed $(or $(SEED),1) --seconds $(or $(SECONDS),300)

fuzz: $(INSTALLED) ## Send CASES generated requests, drawn by SEED, to a service that it starts (50000 take about half an hour)
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),50000) --seed $(or $(SEED),1)

lint: $(INSTALLED) ## Check style, types and import contracts, the pages' scripts and templates, and the docs' links
	@# Mypy takes most of the time, and one processor.
	@$(MAKE) --no-print-directory --jobs=2 lint-types lint-rest

lint-types:
	$(BIN)/mypy

lint-rest:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m tools.migration_rules
	$(BIN)/vermin --quiet --no-tips --target=3.8- --violations trainers packing models/disk.py models/files.py models/limits.py models/messages models/wire.py models/typed_json.py \
	  models/layer_table.py models/memory.py models/formats.py models/extractors.py
	$(DENO) lint --quiet --config tools/javascript/deno.json $(SCRIPTS)
	$(DENO) check --quiet --config tools/javascript/deno.json $(SCRIPTS)
	$(BIN)/djlint --lint --quiet api/templates
	$(BIN)/djhtml --check --tabwidth 2 api/templates
	$(BIN)/python -m tools.docs

docs: $(INSTALLED) ## Write the tables of the documentation that come from code
	@$(BIN)/python -m tools.docs write

format: $(INSTALLED) ## Bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djhtml --tabwidth 2 api/templates

hashes: $(INSTALLED) ## Write the lists of packages with hashes that the images install (needs the network)
	@for extras in api worker "worker trainers"; do \
		$(BIN)/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11 --generate-hashes \
			--no-annotate --no-header --constraint constraints.txt $$(printf -- '--extra %s ' $$extras) pyproject.toml \
			--output-file "requirements/$$(echo $$extras | tr ' ' -).txt"; \
	done

audit: $(INSTALLED) ## Look for known weaknesses in the pinned packages (needs the network; exits with 2 if it could not look up all of them)
	@$(BIN)/python -m tools.audit constraints.txt

bench: $(INSTALLED) ## Measure, and print one JSON line a figure
	@$(BIN)/python -m benchmarks

bench-train: $(INSTALLED) ## Measure training speed beside the tutorials' own loops (about 25 min; NAMES=dcgan for one)
	@$(BIN)/python -m benchmarks.train $(NAMES)

bench-memory: $(INSTALLED) ## Measure the memory of every recipe and preset (part of bench; NAMES=dcgan for one)
	@$(BIN)/python -m benchmarks.memory $(NAMES)

check-gpu: $(INSTALLED) ## Check training on this machine's GPU and measure it (8 min at most; says so where there is none)
	@$(BIN)/python -m benchmarks.gpu_check --json $(or $(JSON),gpu-check.json)

bench-queue: $(INSTALLED) ## Measure the queue: claims, pages, streams, floods (about 20 min; NAMES=pages for one)
	@$(BIN)/python -m benchmarks.queue $(NAMES)

bench-attack: $(INSTALLED) ## Attack a service and measure what an innocent owner notices (about 10 min; NAMES=bombs for one)
	@$(BIN)/python -m benchmarks.attacks $(NAMES)

bench-best: $(INSTALLED) ## Compare the checkpoints best and latest of ten seeds (about 15 min; NAMES=dcgan for one)
	@$(BIN)/python -m benchmarks.best_checkpoint $(NAMES)

bench-alarms: $(INSTALLED) ## Count right and wrong alarms of recorded runs, and measure what watching costs (about 5 min; NAMES=dcgan for one)
	@$(BIN)/python -m benchmarks.alarms $(NAMES)

bench-quality: $(INSTALLED) ## Judge the images of recipes over the seconds of their training (45 min; MINUTES=20 for more, NAMES=dcgan for one)
	@$(BIN)/python -m benchmarks.quality $(NAMES) $(if $(MINUTES),--minutes $(MINUTES))
	@$(BIN)/python -m tools.docs write

bench-judge: $(INSTALLED) ## Judge sets of digits with planted faults, and count wrong verdicts (an hour; NAMES=copies for some)
	@$(BIN)/python -m benchmarks.judge $(or $(NAMES),--figures docs/pictures/judge-mnist-10k.json); said=$$?; \
	  $(BIN)/python -m tools.docs write && exit $$said

clean: ## Remove what the tools leave behind; the environment and the data stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
