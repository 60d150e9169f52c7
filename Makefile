# Wufei. Needs make and Python 3.11 or newer; everything else is installed into .venv.

PYTHON ?= python3
PYTEST ?= -q -n auto --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Bytecode is kept whatever the shell says: without it each process compiles our modules anew, and
# is ready a second later.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint style types tested contract contract-lint migrate bench mutants chaos cuts \
	image wheels deploy-test deploy-tools sbom audit clean lock board-picture

python := .venv/bin/python
# A stamp is named after what was installed, so that a warm start installs nothing and a
# changed lock, or another Python, installs anew. Paths stay relative: make splits at spaces.
version := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
stamp = .venv/.installed-$(version)-$(shell cksum < $(1) | tr ' ' '-')
runtime := $(call stamp,requirements.lock)
development := $(call stamp,requirements-dev.lock)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: $(runtime) ## Start everything on this machine; Ctrl-C stops it
	@exec $(python) -m services.console up

# The types are checked beside the tests, for they take one processor a minute after a change of
# many files; whatever either finds fails both.
test: style ## Check everything: lint, types, architecture, tests (PYTEST="-x tests/unit" for a part)
	@$(MAKE) --no-print-directory --jobs 2 types tested

lint: style types ## Check style, types and the direction of imports

style: $(development)
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -c 'from importlinter.cli import lint_imports_command as lint; lint()'

types: $(development)
	$(python) -m mypy

tested: $(development)
	$(python) -m pytest $(PYTEST)

contract: $(development) ## Write contracts/openapi.yaml from the code
	$(python) -m services.api.contract write

# Redocly's "recommended" with its warnings as errors, and Spectral's rules for OpenAPI.
contract-lint: ## Judge the contract by the rules of Redocly and Spectral, where node is at hand
	@if ! command -v npx >/dev/null; then \
		echo "not judged: Redocly's and Spectral's rules need npx, which comes with node"; exit 0; fi; \
	set -e; export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true; \
	npx --yes $(redocly) lint --extends=recommended-strict --format=stylish contracts/openapi.yaml; \
	npx --yes --package=$(spectral) spectral lint --fail-severity=warn \
		--ruleset contracts/spectral.yaml contracts/openapi.yaml

redocly := @redocly/cli@2.77.0
spectral := @stoplight/spectral-cli@6.16.3

migrate: $(runtime) ## Bring the database of DATABASE_URL, or of a running `make run`, to this version
	@exec $(python) -m services.console migrate

bench: $(development) ## Measure, each figure as a ratio to a ceiling of the same run
	$(python) -m bench

mutants: $(development) ## Change the code a little at a time and see whether a test notices (docs/testing.md)
	$(python) -m tests.mutation

chaos: $(development) ## Play faults drawn by a seed: SEED=n replays one exactly, RUNS=10000 is a night (docs/testing.md)
	@$(python) -m tests.simulation

cuts: $(development) ## Cut the connection at every statement of every write and of every step of the worker
	WUFEI_TEST_CUTS=all $(python) -m pytest -q -n auto tests/simulation/test_cuts_of_writes.py \
		tests/simulation/test_cuts_of_the_worker.py tests/simulation/test_cuts_of_deliveries.py

# An engine is at hand when it answers: a client without its server builds nothing.
image: ## Build both images with podman or docker, where one is at hand (FLAGS=… for its build)
	@for engine in podman docker; do $$engine info >/dev/null 2>&1 && break; engine=; done; \
	case $$engine in \
		podman) set -- --ignorefile deploy/Containerfile.dockerignore ;; \
		docker) set -- ;; \
		*) echo "skipped: no container engine"; exit 0 ;; \
	esac; \
	for image in wufei wufei-worker; do \
		(set -x; exec $$engine build "$$@" --file deploy/Containerfile --target $$image \
			--tag localhost/$$image:$(release) $(FLAGS) .) || exit; \
	done

release = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

wheels: $(runtime) ## Fetch the images' wheels, for builds that reach no index: make image FLAGS="--build-arg PIP_NO_INDEX=1"
	$(python) deploy/wheels.py deploy/requirements.lock build/wheels
	$(python) deploy/wheels.py deploy/papers.lock build/wheels

deploy-test: $(development) ## Run deploy/ on podman through its whole life, where podman is at hand (docs/testing.md)
	$(python) -m tests.deploy $(FLAGS)

deploy-tools: ## Install what deploy-test needs, as root on Debian
	apt-get install --yes --no-install-recommends podman runc netavark aardvark-dns iptables catatonit debootstrap

sbom: build/audit/installed ## Write build/sbom.json: what runs, with its digests (CycloneDX)
	build/audit/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON --output-file build/sbom.json

audit: build/audit/installed ## Ask which faults of the locked dependencies are known, where the advisories are at hand
	@build/audit/bin/python deploy/known_faults.py requirements.lock requirements-dev.lock \
		deploy/requirements.lock deploy/papers.lock

build/audit/installed: deploy/audit.lock
	rm -rf build/audit
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet --require-hashes --no-deps --requirement deploy/audit.lock
	@touch $@

board-picture: $(development) ## Draw the picture of the board anew, where Chromium is installed
	WUFEI_BOARD_PICTURE=1 $(python) -m pytest -q -n 0 tests/api/board/test_in_a_browser.py -k picture

lock: ## Write the locks anew (FLAGS=--upgrade takes the newest releases)
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==0.13.8
	build/lock/bin/python -m uv $(compile) pyproject.toml --extra embedded --extra s3 --extra sftp --extra traces --group papers \
		--output-file requirements.lock
	build/lock/bin/python -m uv $(compile) pyproject.toml --all-extras --group papers --constraint requirements.lock \
		--output-file requirements-dev.lock
	build/lock/bin/python -m uv $(compile) pyproject.toml --extra s3 --extra sftp --extra traces --constraint requirements.lock \
		--output-file deploy/requirements.lock
	build/lock/bin/python -m uv $(compile) --group pyproject.toml:papers --constraint requirements.lock \
		--output-file deploy/papers.lock
	build/lock/bin/python -m uv $(compile) --group pyproject.toml:audit --output-file deploy/audit.lock
	rm -rf build/lock

compile = pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(FLAGS)

clean: ## Remove what was installed and cached; the data in var/ stays
	rm -rf .venv build mutants *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find services migrations tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps, one environment: the development lock holds every pin of the runtime lock.
$(runtime): requirements.lock
	$(call install,requirements.lock)
	@touch $@

$(development): requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch $@ $(runtime)

# An environment is whole once everything is in it, and is marked so last: one that was broken off,
# or has no pip, is made anew and never taken for one.
# The project itself is not built: a path file puts this folder on the path, and bin/wufei
# starts it. Both are relative, so that the folder may be moved.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "wufei needs Python 3.11 or newer; choose one with: make PYTHON=python3.11 …" >&2; exit 1; }
@test -e .venv/.whole && \
	test "$$($(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(version)" || \
	{ rm -rf .venv && $(PYTHON) -m venv .venv && $(python) -c 'import pip'; } || { rm -rf .venv; \
	echo "cannot make .venv with $(PYTHON): it needs venv and pip (Debian: apt install python3-venv)" >&2; exit 1; }
@rm -f .venv/.whole .venv/.installed-*
@echo "installing $(1) into .venv"
@$(python) -m pip install --quiet --no-deps --require-hashes -r $(1)
@echo ../../../.. > "$$($(python) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/wufei.pth"
@printf '#!/bin/sh\nexec "$$(dirname -- "$$0")/python" -m services.console "$$@"\n' > .venv/bin/wufei
@chmod +x .venv/bin/wufei
@touch .venv/.whole
endef
