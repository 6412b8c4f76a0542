# make run · make test · make check · make bench · make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help run test check bench lock format screenshots translations

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed (set PYTHON=/path/to/python3)"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { echo "cannot create $(VENV): is python3-venv installed and the folder writable?"; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.ocr: $(VENV)/.run requirements-ocr.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-ocr.txt
	@touch $@

run: $(VENV)/.run $(if $(OCR),$(VENV)/.ocr) ## the portal with demo data on http://127.0.0.1:8000 (web and worker); OCR=1 adds text recognition
	@PORTAL_ENV=$${PORTAL_ENV:-development} PORTAL_RECOGNITION=$(if $(OCR),1,$(PORTAL_RECOGNITION)) $(BIN)/python scripts/serve.py

test: $(VENV)/.dev $(if $(OCR),$(VENV)/.ocr) ## the whole suite: SQLite, PostgreSQL, Chromium; OCR=1 installs text recognition for its tests
	@SLOW=$(SLOW) $(BIN)/python scripts/suite.py $(ARGS)

check: $(VENV)/.dev ## format, lint, types, import contracts, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint app --lint --quiet

format: $(VENV)/.dev ## put the code into the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## ratios of two things measured in one run (ARGS="name … --full --sqlite --requests N", ARGS=--list)
	@PYTHONPATH=. $(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.dev ## the README's pictures
	@PYTHONPATH=. $(BIN)/python scripts/screenshots.py

translations: $(VENV)/.run ## the English catalogue: extract, update, compile (then fill what is empty and run again)
	@mkdir -p instance
	$(BIN)/pybabel -q extract -F babel.cfg -k _l -k lazy_gettext --add-location=file --omit-header -o instance/messages.pot .
	$(BIN)/pybabel -q update -i instance/messages.pot -d app/translations -l en -w 120 -N --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d app/translations --statistics

lock: ## write requirements*.txt from requirements*.in (needs uv)
	uv pip compile -q --generate-hashes --no-annotate --no-header --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --no-annotate --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	uv pip compile -q --generate-hashes --no-annotate --no-header --python-version 3.11 requirements-ocr.in -o requirements-ocr.txt
