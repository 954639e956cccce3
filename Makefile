# make demo, make test: each installs what it needs first. Everything lives in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install packages demo test test-full lint bench clean

install: .venv/installed

.venv/installed: pyproject.toml envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	@# pip would compile on one core, for longer than all the rest.
	$(BIN)/pip install --no-compile --disable-pip-version-check --constraint envs/constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -qq -j 0 -x /tests/ .venv/lib workflow || true
	@$(BIN)/recontrast --version >/dev/null
	@touch $@

demo: install
	$(BIN)/recontrast demo results/demo

# What tests need beside Python: a SLURM for tests/graph/test_slurm.py, a browser for the pages. Where they cannot
# be had, those tests are skipped and say so.
packages:
	@PATH=$$PATH:/usr/sbin; { command -v slurmctld && command -v munged && command -v chromium; } >/dev/null \
	  || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || { apt-get -qq update \
	       && RUNLEVEL=1 apt-get -qq install --yes --no-install-recommends slurm-wlm munge chromium; } \
	  || echo "Debian packages cannot be installed: no test on SLURM, none in a browser"

# Files in their order, so that the longest do not come last and alone.
test: install packages
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not full"

test-full: install packages
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

bench: install
	@for script in $(filter-out benchmarks/measuring.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv results
