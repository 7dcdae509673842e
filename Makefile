# geolabel: `make demo` shows the whole way, `make test` runs every check. Both set up .venv where it is not there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
USED := $(VENV)/.installed
CHECKED := $(VENV)/.installed-dev

.PHONY: demo test lint types layers unit quick docs system clean help

help:
	@echo "make demo   set up and run the whole way on a made-up world (a few minutes)"
	@echo "make test   set up and run every check: lint, types, layers, tests, docs"
	@echo "make quick  the tests without the slow ones"
	@echo "make clean  remove the environment and what was built"

demo: $(USED)
	$(BIN)/geolabel demo --overwrite

test: lint types layers unit docs

# torch and torchvision come together from the ordinary index: a pair from two indexes fails on import.
$(USED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[tensorboard]"
	@touch $@

$(CHECKED): $(USED)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev,docs]"
	@touch $@

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

unit: $(CHECKED) system
	$(BIN)/pytest

quick: $(CHECKED)
	$(BIN)/pytest -m "not slow"

docs: $(CHECKED)
	$(BIN)/python docs/generate_cli.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) site dist geolabel-demo docs/cli.md docs/models.md docs/models.md
