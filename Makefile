# geolabel: `make demo` shows the whole way, `make test` runs every check. Both set up .venv where it is not there.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(if $(wildcard $(BIN)/pip),$(BIN)/python,python3)
MINOR := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
USED := $(VENV)/.installed-$(shell $(PYTHON) $(MINOR) 2>/dev/null)
CHECKED := $(USED)-dev
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTHONS := python3.11 python3.12 python3.13

.PHONY: demo test release pythons lint types layers audit unit quick docs system faults fuzz bench bench-peers clean help

help:
	@echo "make demo     set up and run the whole way on a made-up world (a few minutes)"
	@echo "make test     set up and run every check: release, lint, types, layers, audit, tests, docs"
	@echo "make quick    the tests without the slow ones"
	@echo "make release  build wheel and sdist, install the wheel in a fresh environment, run the demo from there"
	@echo "make pythons  the same with each Python of 3.11 to 3.13 that is here, and a smaller demo"
	@echo "make faults   kill tile, label, train, predict, change and export at 50 moments each, and go on (half an hour)"
	@echo "make fuzz     mutated files for the readers of geolabel's own formats, for ten minutes"
	@echo "make bench    measure every claim again and write docs/benchmarks.md (half an hour; make bench-peers first)"
	@echo "make clean    remove the environment and what was built"
	@echo "PYTHON=python3.13 chooses the Python; the environment is made anew where it has another"

demo: $(USED)
	$(BIN)/geolabel demo --overwrite

# release comes first: its environment and .venv are never on the disk together where both have to be made.
test: release lint types layers audit unit docs

# torch and torchvision come together from the ordinary index: a pair from two indexes fails on import.
$(USED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12"; exit 1; }
	@test "$$($(BIN)/python $(MINOR) 2>/dev/null)" = "$$($(PYTHON) $(MINOR))" -a -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || { echo "venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(INSTALL) --editable ".[tensorboard]"
	@touch $@

$(CHECKED): $(USED)
	$(INSTALL) --editable ".[dev,docs]"
	@touch $@

release:
	scripts/release $(PYTHON)

pythons:
	@for python in $(PYTHONS); do \
	    if $$python --version >/dev/null 2>&1; then scripts/release $$python --size 512 --epochs 4 || exit 1; \
	    else echo "note: $$python is not here"; fi; \
	done

# GDAL's own tools read the outputs back in the tests; QGIS opens them. Where apt and root are there, they are installed.
system:
	@scripts/system-packages

lint: $(CHECKED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(CHECKED)
	$(BIN)/mypy

layers: $(CHECKED)
	$(BIN)/lint-imports

audit: $(CHECKED)
	$(BIN)/python scripts/audit

unit: $(CHECKED) system
	$(BIN)/pytest

quick: $(CHECKED)
	$(BIN)/pytest -m "not slow"

docs: $(CHECKED)
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_robustness.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

faults: $(CHECKED)
	$(BIN)/python -m tests.faults --moments 50

fuzz: $(CHECKED)
	$(BIN)/python -m tests.fuzz --minutes 10

# Peers have environments of their own (seven gigabytes); where these are not made, the page says "peer not installed".
bench-peers: $(CHECKED)
	$(BIN)/python -m benchmarks.claims peers

bench: $(CHECKED)
	$(BIN)/python -m benchmarks.claims run

clean:
	rm -rf $(VENV) .release site dist geolabel-demo docs/cli.md docs/models.md
