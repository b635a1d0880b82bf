# make run     start StudyHub on this machine
# make test    install what the tests need and run all of them
# make install the environment .venv with the command studyhub, nothing more

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# Tests start hundreds of servers: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run install test check format lock clean faults simulate

help:
	@grep '^# make' Makefile | cut -c3-

run: install
	@$(BIN)/studyhub serve

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml requirements/runtime.txt hatch_build.py $(shell find web -name node_modules -prune -o -type f -print)
	@echo "Installing StudyHub and building its page; once, under a minute."
	@scripts/make-venv $(PYTHON) $(VENV)
	@$(UV) pip install -q --compile-bytecode -r requirements/runtime.txt
	@$(UV) pip install -q --no-deps -e .
	@touch $@

test: install $(VENV)/.test-installed
	@scripts/check
	@cd web && npm test --silent
	@$(BIN)/pytest -n 3 --dist loadgroup

# Linters, types and import rules alone.
check: install $(VENV)/.test-installed
	@scripts/check

$(VENV)/.test-installed: requirements/test.txt tests/node/package-lock.json web/package-lock.json benchmarks/peers/package-lock.json requirements/servers.txt
	@$(UV) pip install -q --compile-bytecode -r requirements/test.txt
	@scripts/install-servers $(BIN)/python $(UV)
	@scripts/install-node $(UV)
	@scripts/install-browser
	@cd tests/node && npm ci --silent
	@cd benchmarks/peers && npm ci --silent --ignore-scripts
	@cd web && npm ci --silent
	@touch $@

# kill -9 under load, again and again; RUNS=50 takes about ten minutes.
RUNS ?= 50
faults: install $(VENV)/.test-installed
	@$(BIN)/python -m tests.faults --runs $(RUNS)

# A cluster in simulated time under faults; SEEDS=20000 before a release.
SEEDS ?= 300
simulate: install $(VENV)/.test-installed
	@$(BIN)/python -m benchmarks.simulator --seeds $(SEEDS) --jobs 2

# Every kind of fault of a cluster under load, RUNS times each; RUNS=20 takes about two hours.
faults-cluster: install $(VENV)/.test-installed
	@$(BIN)/python -m tests.faults --cluster --runs $(RUNS)

format:
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

lock:
	@$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml -o requirements/runtime.txt
	@$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml --group test -o requirements/test.txt
	@$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements/servers.in -o requirements/servers.txt

clean:
	@rm -rf $(VENV) .venv-servers collab/static web/node_modules tests/node/node_modules
