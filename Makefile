# make tutorial   Caffe's siamese tutorial, from the data to the pictures
# make test       what continuous integration runs: ruff, mypy, pytest (JOBS=1: one test at a time)
# make bench      how fast nets run here and elsewhere; BENCH="--quick --output docs/bench" and more: docs/bench/README.md
# make docs       the documentation as a site: build/site
# make errors     docs/errors.md, from the source and from what the tests provoke; TESTS="tests/solvers" runs some of them
# make crash      trainings that are killed and resumed, a full disk, a long run; CRASH="--kills 20": docs/reliability.md
# make fuzz       broken and hostile files for every reader; FUZZ="leveldb --seconds 600": docs/reliability.md
#
# All make the virtual environment .venv when it is missing; PYTHON=python3.12 chooses its Python.

PYTHON ?= python3
ITERATIONS ?= 50000
ENDURANCE ?= 3000
JOBS ?= auto
FUZZ ?= all
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTED := $(VENV)/.installed-test

.PHONY: tutorial test lint types tests plain-kernels bench docs errors crash fuzz clean

tutorial: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" ITERATIONS=$(ITERATIONS) ./examples/siamese/tutorial.sh

test: lint types tests plain-kernels

lint: $(TESTED)
	$(BIN)/ruff check .

types: $(TESTED)
	$(BIN)/mypy

tests: $(TESTED)
	$(BIN)/python -m pytest -n $(JOBS)

# the kernels as plain Python, so that coverage sees their lines
plain-kernels: $(TESTED)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/kernels tests/layers/test_recorded.py --cov=caffe_lite/kernels --cov-report=term

bench: $(INSTALLED)
	$(BIN)/python -m tools.bench $(BENCH)

crash: $(TESTED)
	$(BIN)/python -m tools.crash $(CRASH)
	$(BIN)/python -m tools.crash.full_disk
	$(BIN)/python -m tools.crash.endurance --iterations $(ENDURANCE)

fuzz: $(TESTED)
	$(BIN)/python -m tools.fuzz $(FUZZ)

docs: $(TESTED)
	$(BIN)/python -m tools.docs
	$(BIN)/python -m mkdocs build --strict

errors: $(TESTED)
	$(BIN)/python -m pytest -p tools.errors.recorder --ignore=tests/tools/test_errors.py $(TESTS)
	$(BIN)/python -m tools.errors

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): setup.cfg setup.py pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(TESTED): setup.cfg setup.py pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(INSTALLED)

clean:
	rm -rf $(VENV) build tutorial
