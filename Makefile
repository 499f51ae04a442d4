# `make demo` and `make test` do all the set-up themselves; see CONTRIBUTING.md for the others.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Of what checks the program but is no part of it, so that it stands in no audit.
TOOLS  := .venv-tools
# Qt needs a screen; where there is none, a virtual one.
SCREEN := $(if $(filter Linux,$(shell uname -s)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,xvfb-run -a -s "-screen 0 1366x768x24"))
# Without compiled files each program that a test starts would compile itself anew.
unexport PYTHONDONTWRITEBYTECODE
# Two at a time, each with a virtual screen and one thread of its own: threads of two processes that
# share two cores would wait for each other. In the order of the folders, so that the long journeys of
# tests/integration come first and neither process waits for one at the end.
TESTS  := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# In a folder whose parents nobody else may write in, as munge wants it.
SLURM_FOLDER ?= /var/lib/napari-mclstexp-slurm

# Whose writers make files for `make formats`.
WRITERS := geopandas opencv-python-headless pydicom "pyvips[binary]" spatialdata wsidicom

# Of `make fuzz`, and of `make faults`.
MINUTES ?= 20
CASES ?= 1000

# Of `make mutate`.
SAMPLE ?= 300
SEED ?= 1
MUTATED ?= model spots inference files

.PHONY: demo test coverage test-fast test-cluster test-wheel fuzz faults formats mutate audit dist lock lint docs bench gpu \
  screenshots sample-data system clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	-@tools/system_libraries.sh
	$(BIN)/napari-mclstexp demo --out demo
	@if [ -n "$(DISPLAY)$(WAYLAND_DISPLAY)" ] || [ "$$(uname -s)" = Darwin ]; \
	  then $(BIN)/python -m webbrowser -t "file://$(CURDIR)/demo/overlay.png"; \
	  else echo "No screen here: the picture is demo/overlay.png"; fi

test: $(VENV)/.installed system
	-@tools/system_libraries.sh --reader
	$(TESTS) --durations=15

# Apart from `make test`: watching every line takes a third more time (less from Python 3.12 on).
coverage: $(VENV)/.installed system
	-@tools/system_libraries.sh --reader
	$(TESTS) --cov --cov-report=term-missing:skip-covered --cov-fail-under=90

test-fast: $(VENV)/.installed system
	$(TESTS) -m "not slow"

# The tests of cohorts with a SLURM of one node, which is started for them where the user may.
test-cluster: $(VENV)/.installed
	@tools/slurm_node.sh $(SLURM_FOLDER); started=$$?; \
	[ $$started -ne 3 ] || exit 0; [ $$started -eq 0 ] || exit $$started; \
	SLURM_CONF=$(SLURM_FOLDER)/slurm.conf $(BIN)/pytest tests/unit/cohort_runs/test_slurm.py; tested=$$?; \
	tools/slurm_node.sh $(SLURM_FOLDER) stop; exit $$tested

# Damaged files for every reader; what breaks one is kept in tests/fuzz/found and tested from then on.
fuzz: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/driver.py --minutes $(MINUTES)

# Files that others wrote, out of the sources of their packages and by their writers: docs/formats.md.
formats: $(VENV)/writers/.installed
	OMP_NUM_THREADS=1 $(VENV)/writers/bin/python tests/foreign/run.py --cache $(VENV)/foreign

# How many of a sample of mutants the nearest tests see, by folder, and which they do not; hours on two
# cores. Run again, it tries those that were not seen.
mutate: $(VENV)/.installed $(TOOLS)/.installed system
	@mkdir -p mutants
	$(TOOLS)/bin/python tools/draw_mutants.py $(MUTATED) --sample $(SAMPLE) --seed $(SEED) \
	  > mutants/drawn_$(SAMPLE)_$(SEED).jsonl
	$(BIN)/python tools/mutation_score.py mutants/drawn_$(SAMPLE)_$(SEED).jsonl \
	  --out mutants/results_$(SAMPLE)_$(SEED).jsonl

# Known weaknesses of all that is installed, and bills of materials in audit/.
audit: $(VENV)/.installed $(TOOLS)/.installed
	@BIN=$(TOOLS)/bin PYTHON=$(BIN)/python tools/audit.sh

# Wheel and sdist in dist/, each installed and run where nothing else is: some gigabytes to fetch.
dist: $(TOOLS)/.installed
	BIN=$(TOOLS)/bin PYTHON=$(PYTHON) tools/bare_install.sh

# The quick tests over the wheel in dist/ instead of src/.
test-wheel: $(VENV)/.installed system
	@rm $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps dist/*.whl
	$(TESTS) -m "not slow"

# The versions and hashes of which the container is made.
lock: $(TOOLS)/.installed
	UV=$(TOOLS)/bin/uv tools/lock.sh

# Kills, disks that refuse, two at one output; then random commands over precious files. Root has real disks too.
faults: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python tests/support/fault_program.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/support/precious_program.py --cases $(CASES)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/yamllint --strict .github
	$(BIN)/zizmor --offline --quiet .github

docs: $(VENV)/.installed-docs
	$(BIN)/mkdocs build --strict

# Every benchmark, about forty minutes: one table and one page of plots, docs/benchmarks.md.
bench: $(VENV)/.installed system
	$(SCREEN) $(BIN)/python benchmarks/page.py

gpu: $(VENV)/.installed
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python benchmarks/gpu_training.py

screenshots: $(VENV)/.installed system
	$(SCREEN) $(BIN)/python docs/screenshots.py

# The sections and the demo model are committed; this makes them again from their seeds.
sample-data: $(VENV)/.installed
	$(BIN)/python sample_data/make_sections.py
	$(BIN)/python sample_data/train_demo_model.py

system:
	@tools/system_libraries.sh

# torch and torchvision are asked for together and unpinned, so that pip picks a pair built for each other.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed, and $(PYTHON) is not; try: make PYTHON=python3.12" >&2; exit 2; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet torch torchvision
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@$(BIN)/python -c "import torchvision.ops" || \
	  { echo "The installed torch and torchvision do not fit each other; remove $(VENV) and run make again." >&2; exit 2; }
	@touch $@

# An environment behind which the usual one stands, so that its packages stay as they are.
$(VENV)/writers/.installed: $(VENV)/.installed
	$(BIN)/python -m venv $(VENV)/writers
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	  "$$($(VENV)/writers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/usual.pth"
	$(VENV)/writers/bin/python -m pip install --quiet $(WRITERS)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@

$(TOOLS)/.installed: pyproject.toml
	@[ -x $(TOOLS)/bin/python ] || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --upgrade pip
	$(TOOLS)/bin/python -m pip install --quiet --group supply
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) audit dist mutants demo site .coverage .mypy_cache .pytest_cache .ruff_cache
