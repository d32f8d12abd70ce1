# The two commands of the README are `make run` and `make test`; both set up everything they need.
SHELL := /bin/bash
PYTHON := .venv/bin/python

.PHONY: run test check bench setup format clean

run: .venv/.ready  ## start everything, replay a real data set, stay up
	.venv/bin/headwater up --demo

# The slow ones measure times and kill processes, so nothing runs beside them.
test: .venv/.ready-tests  ## every test, the slow ones included
	$(PYTHON) -m pytest -m "not slow" -n 2 --dist loadfile
	$(PYTHON) -m pytest -m slow

check: .venv/.ready-tests  ## what CI checks besides the tests
	scripts/check

bench: .venv/.ready-tests  ## every benchmark, each beside its floor; writes docs/benchmarks.md
	$(PYTHON) -m benchmarks

format: .venv/.ready-tests
	.venv/bin/ruff format src tests benchmarks
	.venv/bin/ruff check --fix src tests benchmarks

setup: .venv/.ready-tests

.venv/.ready: pyproject.toml constraints.txt scripts/setup
	scripts/setup demo
	@touch $@

.venv/.ready-tests: .venv/.ready scripts/setup-tests tests/sdks/package.json
	scripts/setup demo,dev
	scripts/setup-tests
	@touch $@

clean:
	rm -rf .venv data
