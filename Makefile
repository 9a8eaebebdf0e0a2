# kdns: `make` shows what there is. Needs Python >= 3.11 with its venv module; everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
LOCK = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-find-links --no-emit-index-url --build-deps-for editable $(UPGRADE)

.DEFAULT_GOAL = help
.PHONY: help run test beside bench flood format lock clean

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST)

run: $(VENV)/.run  ## serve the demo cluster in deploy/demo on 127.0.0.1:1053, UDP and TCP
	@echo "Serving deploy/demo/cluster on 127.0.0.1:1053 (Ctrl-C ends it). Edit its YAML, and the answers change. Try:"
	@echo "  dig @127.0.0.1 -p 1053 web.shop.svc.cluster.local"
	@echo "  dig @127.0.0.1 -p 1053 SRV _postgres._tcp.db.shop.svc.cluster.local"
	@echo "  dig @127.0.0.1 -p 1053 +tcp -x 10.96.20.10"
	@exec $(BIN)/kdns -conf deploy/demo/Corefile

test: $(VENV)/.test  ## check formatting, lint, types and import contracts, and run all tests
	@$(BIN)/ruff format --check . || { echo "not formatted: run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest $(PYTEST)

beside: $(VENV)/.test  ## ask another server the same questions; BESIDE="coredns -conf {corefile} -dns.port {port}"
	@$(BIN)/python -m tests.conformance "$(BESIDE)"

bench: $(VENV)/.test  ## measure kdns beside others: make bench BESIDE='NAME=COMMAND; ...' ROWS=mix,tcp (needs gcc)
	@$(BIN)/python -m tests.bench --rows "$(ROWS)" "$(BESIDE)"

flood: $(VENV)/.test  ## ten minutes of random names, cookies and letter cases; SECONDS=600
	@$(BIN)/python -m tests.bench.flood --seconds $(or $(SECONDS),600)

format: $(VENV)/.test  ## format the code, sort imports, apply safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: $(VENV)/.test  ## rewrite the lock files from pyproject.toml; UPGRADE=--upgrade takes the newest versions
	@$(INSTALL) "pip-tools>=7.5,<8"
	$(LOCK) --output-file deploy/requirements.txt pyproject.toml
	$(LOCK) --constraint deploy/requirements.txt --extra dev --output-file tests/requirements.txt pyproject.toml

clean:  ## remove the virtual environment and what tools leave behind
	rm -rf $(VENV) build kdns.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find kdns tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kdns needs Python 3.11 or newer as $(PYTHON) (another one: make PYTHON=python3.12 ...)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module; install it with: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python deploy/requirements.txt pyproject.toml
	@echo "Installing kdns into $(VENV) ..."
	@$(INSTALL) --no-compile --require-hashes --requirement deploy/requirements.txt
	@PYTHONWARNINGS=ignore $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run tests/requirements.txt
	@echo "Installing the tools of the tests into $(VENV) ..."
	@$(INSTALL) --no-compile --no-build-isolation --use-pep517 --require-hashes --requirement tests/requirements.txt
	@touch $@
