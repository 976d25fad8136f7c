# make tutorial   Caffe's siamese tutorial, from the data to the pictures
# make test       what continuous integration runs: ruff, mypy, pytest
# make bench      how fast nets run here and elsewhere; BENCH="--quick --output docs/bench" and more: docs/bench/README.md
#
# All make the virtual environment .venv when it is missing; PYTHON=python3.12 chooses its Python.

PYTHON ?= python3
ITERATIONS ?= 50000
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTED := $(VENV)/.installed-test

.PHONY: tutorial test lint types tests plain-kernels bench clean

tutorial: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" ITERATIONS=$(ITERATIONS) ./examples/siamese/tutorial.sh

test: lint types tests plain-kernels

lint: $(TESTED)
	$(BIN)/ruff check .

types: $(TESTED)
	$(BIN)/mypy

tests: $(TESTED)
	$(BIN)/python -m pytest

# the kernels as plain Python, so that coverage sees their lines
plain-kernels: $(TESTED)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/kernels tests/layers/test_recorded.py --cov=caffe_lite/kernels --cov-report=term

bench: $(INSTALLED)
	$(BIN)/python -m tools.bench $(BENCH)

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
