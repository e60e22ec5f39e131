# Every target makes the environment it needs; `make` alone lists them.
# Relative paths and quotes throughout: the folder's path may contain spaces.

SCENARIO = scenarios/september-2022.yaml
RESULTS = results/september-2022
ARGS =
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

# .venv belongs to python3; PYTHON=python3.12 gets its own .venv-3.12 beside it.
ifeq ($(origin PYTHON),undefined)
PYTHON = python3
VENV = .venv
else
VENV := .venv-$(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
BIN = $(VENV)/bin/python

.DEFAULT_GOAL = help
.NOTPARALLEL:
.PHONY: help run figures test test-all test-lowest check format docs explore structure bench clean FORCE

help: ## list the targets
	@echo 'make TARGET [PYTHON=python3.12] [ARGS="more arguments"]'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

run: $(VENV)/core ## simulate September 2022, all 39.6 million men, and draw the figures
	@"$(BIN)" -m flowsim run "$(SCENARIO)" $(ARGS)

figures: $(VENV)/core ## draw the figures of RESULTS again
	@"$(BIN)" -m flowsim figures "$(RESULTS)" $(ARGS)

test: check ## everything CI runs: check, then the quick tests and doctests
	"$(BIN)" -m pytest -n 2 $(ARGS)

test-all: check docs ## test, with the slow tests, branch coverage and the site
	"$(BIN)" -m pytest -n 2 -m "slow or not slow" --cov --cov-report=term $(ARGS)
	@$(MAKE) test-lowest

# Old libraries warn of each other; the recipes want development tools; typst before 0.15 packs the
# objects of a PDF, which the tests read; SALib before 1.6 draws other resamples.
LOWEST = -W ignore::DeprecationWarning -W ignore::FutureWarning \
	-W ignore::RuntimeWarning:SALib.analyze.sobol --ignore=tests/test_contributing.py \
	--deselect tests/test_figures.py::test_another_process_draws_the_same_bytes \
	--deselect tests/test_report.py::test_the_pdf_is_tagged_titled_and_carries_the_scenario \
	--deselect tests/test_report.py::test_a_reception_sheet_fits_one_page \
	--deselect tests/test_report.py::test_the_findings_fill_two_pages_and_the_long_report_holds_the_rest \
	--deselect tests/test_sensitivity.py::test_what_chance_alone_gives_is_said_beside_the_effects

test-lowest: $(VENV)/lowest/made ## the quick tests with the lowest versions that pyproject.toml allows
	"$(VENV)/lowest/bin/python" -m pytest -n 2 -p no:cacheprovider $(LOWEST) $(ARGS)

check: $(VENV)/dev ## format, lint, types and the import floors
	"$(BIN)" -m ruff format --check .
	"$(BIN)" -m ruff check .
	"$(BIN)" -m mypy
	"$(VENV)/bin/lint-imports"

format: $(VENV)/dev ## format the code and mend what ruff can mend
	"$(BIN)" -m ruff check --fix .
	"$(BIN)" -m ruff format .

explore: $(VENV)/core ## make docs/explore.html, and what it says of long queues, from the shipped sweep
	"$(BIN)" docs/make_explore.py $(ARGS)

docs: $(VENV)/docs ## build the documentation as a site; warnings are errors
	"$(BIN)" -m sphinx -q -W --keep-going -b html docs docs/_build
	@echo 'Open docs/_build/index.html'

structure: ## count rooms, floors, arrows, circles and lines of code
	@"$(PYTHON)" tests/structure.py

bench: $(VENV)/dev ## measure time and peak memory
	@"$(BIN)" tests/benchmarks/bench.py $(ARGS)

clean: ## remove the environments and caches (results stay)
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build dist docs/_build
	find flowsim tests -name __pycache__ -type d -prune -exec rm -rf {} +

# What was installed, for which interpreter, in which folder. `interpreter` is looked at each
# time and written only when it changes; then the environment is made anew.
$(VENV)/core: $(VENV)/interpreter pyproject.toml
	@echo 'Installing flowsim and what it needs into $(VENV) (a minute, once) ...'
	@"$(BIN)" -m pip install -qq --editable .
	@touch "$@"

$(VENV)/dev: $(VENV)/interpreter pyproject.toml
	@echo 'Installing flowsim with its test and development tools into $(VENV) (a minute or two, once) ...'
	@"$(BIN)" -m pip install -qq --editable '.[test,dev]'
	@touch "$@" "$(VENV)/core"

$(VENV)/docs: $(VENV)/interpreter pyproject.toml
	@echo 'Installing flowsim with what its site is built with into $(VENV) (a minute, once) ...'
	@"$(BIN)" -m pip install -qq --editable '.[docs]'
	@touch "$@" "$(VENV)/core"

$(VENV)/lowest/made: $(VENV)/interpreter pyproject.toml
	@echo 'Installing the lowest versions into $(VENV)/lowest (a minute or two, once) ...'
	@rm -rf "$(@D)" && "$(PYTHON)" -m venv "$(@D)"
	@"$(@D)/bin/python" tests/lowest.py > "$(@D)/lowest.txt"
	@"$(@D)/bin/python" -m pip install -qq --constraint "$(@D)/lowest.txt" --editable '.[test]'
	@touch "$@"

$(VENV)/interpreter: FORCE
	@found=$$("$(PYTHON)" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>&1) || { \
	    echo 'flowsim needs Python 3.11 or newer, and "$(PYTHON)" cannot be started:'; \
	    echo "$$found" | sed 's/^/    /'; \
	    echo 'Choose another with PYTHON=, a name or a path: make run PYTHON=python3.12'; \
	    case "$$found" in *pyenv*) \
	        echo 'With pyenv, say which version: PYENV_VERSION=3.12.1 make run PYTHON=python3.12';; \
	    esac; \
	    exit 1; } >&2; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "flowsim needs Python 3.11 or newer, and \"$(PYTHON)\" is Python $$found."; \
	    echo 'Choose another with PYTHON=, a name or a path: make run PYTHON=python3.12'; \
	    exit 1; } >&2; \
	wanted="$$found $$("$(PYTHON)" -c 'import sys; print(sys.base_prefix)') $$PWD"; \
	[ "$$(cat "$@" 2>/dev/null)" = "$$wanted" ] && "$(BIN)" -c '' 2>/dev/null && exit 0; \
	echo "Making $(VENV) with Python $$found ..."; \
	rm -rf "$(VENV)"; \
	"$(PYTHON)" -m venv "$(VENV)" || { rm -rf "$(VENV)"; \
	    echo 'The environment could not be made: see above. Debian and Ubuntu: install python3-venv.' >&2; \
	    exit 1; }; \
	printf '%s\n' "$$wanted" > "$@"

FORCE:
