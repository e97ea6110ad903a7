# `make` lists the targets. The machine needs Python 3.10–3.12; setup sees to everything else, Java included.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup java databases demo test test-rest engines test-all sparks golden pages lint lock licences bench clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.payerlake-setup
# What development and CI install: every package by its hash. UV writes it.
LOCK := .ci/requirements.txt
BENCH_LOCK := .ci/bench.txt
UV := uv==0.13.9
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --quiet \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# What a recipe runs to install Debian packages: as root, or by sudo where it asks no password; else it fails.
APT := as_root() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo -n "$$@"; fi; }; \
	apt() { command -v apt-get >/dev/null || return 1; as_root apt-get -qq update && as_root env \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$$@" >/dev/null; }
# While this file stands, the package of PostgreSQL makes no cluster of its own, so that nothing is started.
NO_CLUSTER := /etc/postgresql-common/createcluster.d/payerlake.conf

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

setup: java $(STAMP)  ## .venv with payerlake, the tools of development, and Delta's jars
	@$(BIN)/python -m payerlake.engine.jars
	@echo "Ready: $(BIN)/payerlake"

java:
	@$(APT); if [ -z "$${JAVA_HOME:-}" ] && ! command -v java >/dev/null; then \
		echo "Java: not found, installing openjdk-17-jre-headless …"; \
		apt openjdk-17-jre-headless || { echo "Java: could not be installed; install Java 17 (Debian:" \
			"apt-get install openjdk-17-jre-headless) or set JAVA_HOME, then run make again" >&2; exit 2; }; fi

$(STAMP): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { \
		echo "Python: $$($(PYTHON) --version 2>&1); payerlake needs 3.10 to 3.12: make PYTHON=python3.11 setup" >&2; exit 2; }
	@$(APT); $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python: ensurepip is missing, installing python3-venv …"; \
		apt python3-venv || { echo "Python: python3-venv could not be installed; install it (Debian:" \
			"apt-get install python3-venv), then run make again" >&2; exit 2; }; }
	@echo "Installing payerlake and its tools into .venv (a few minutes the first time) …"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement $(LOCK)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

lock: setup  ## .ci/requirements.txt anew from pyproject.toml; UPGRADE=1 takes the newest of everything
	@$(PIP) install '$(UV)'
	$(COMPILE) --all-extras --output-file $(LOCK) pyproject.toml
	$(COMPILE) --constraint $(LOCK) --output-file $(BENCH_LOCK) --group bench
	@$(MAKE) --no-print-directory licences

licences: setup  ## the table of licences in .ci/README.md anew, of what the lock installs
	$(BIN)/python .ci/licences.py

demo: setup  ## the pharmacy data set at demo scale into out/, as Delta and CSV
	$(BIN)/payerlake generate pharmacy --scale demo --format delta --format csv --out out --mode overwrite

databases:  ## the servers that the tests of loading start for themselves, by apt where they are missing
	@$(APT); if ! command -v mariadbd >/dev/null && [ ! -x /usr/sbin/mariadbd ]; then \
		echo "MariaDB: not found, installing mariadb-server-core, which the tests of loading start for themselves …"; \
		apt mariadb-server-core mariadb-client-core || echo "MariaDB: could not be installed, so the tests that load" \
			"into a server are skipped (Debian: apt-get install mariadb-server-core mariadb-client-core)" >&2; fi
	@$(APT); if ! command -v postgres >/dev/null && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
		echo "PostgreSQL: not found, installing postgresql, which the tests of loading start for themselves …"; \
		{ apt postgresql-common && as_root mkdir -p $(dir $(NO_CLUSTER)) && \
			echo "create_main_cluster = false" | as_root tee $(NO_CLUSTER) >/dev/null && apt postgresql; } || \
			echo "PostgreSQL: could not be installed, so the tests that load into one are skipped" \
			"(Debian: apt-get install postgresql)" >&2; \
		[ ! -e $(NO_CLUSTER) ] || as_root rm -f $(NO_CLUSTER); fi

# A file's tests stay in one process, which begins with the longest files: tests/conftest.py knows them.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 30

test: setup  ## the tests, but for the thorough ones
	$(PYTEST) -m "not thorough"

test-rest: setup  ## of the thorough tests those that take minutes and want nothing of their own
	$(PYTEST) -m thorough --ignore tests/engines --ignore tests/test_sizes.py --ignore tests/test_slices.py

engines: setup  ## what the tests on HDFS and S3 need: 750 MB of jars
	$(BIN)/python -m tests.engines.fetch

test-all: setup databases engines  ## all tests, also those on clusters, other Sparks and under faults
	$(PYTEST)

sparks: setup  ## every table on each Spark and Python that is supported, in environments of their own
	$(BIN)/python -m pytest tests/engines/test_sparks.py --durations 0 -v

golden: setup  ## tests/golden.json anew, where the data of a table have changed on purpose
	$(BIN)/python -m pytest tests/test_contracts.py -k golden --golden

pages: setup  ## the tables in the pages of the datasets anew, where a contract has changed
	$(BIN)/python -m tests.pages

lint: setup  ## style, formatting, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: setup  ## measure generation beside other generators
	@$(PIP) install --require-hashes --requirement $(BENCH_LOCK)
	$(BIN)/python -m tests.benchmarks

clean:  ## remove .venv, out/ and every cache
	rm -rf .venv out dist .pytest_cache .mypy_cache .ruff_cache spark-warehouse metastore_db derby.log
	find lib tests jobs -name __pycache__ -type d -prune -exec rm -rf {} +
