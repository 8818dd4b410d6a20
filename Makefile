# Every target makes .venv by itself when it is missing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BENCH_INSTALLED := .venv/bench-installed

.PHONY: demo demo-full test lint bench bench-quick soak clean

demo: $(INSTALLED)
	$(BIN)/atdt demo

demo-full: $(INSTALLED)
	$(BIN)/atdt demo --full

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks

bench-quick: $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks --quick --json reports/benchmarks-quick.json

soak: $(INSTALLED)
	$(BIN)/python -m benchmarks.soak

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

clean:
	rm -rf .venv build *.egg-info
