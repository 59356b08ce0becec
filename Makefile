# Commands of the Automation Portal. Each sets up what it needs under DATA_DIR (default var/).
#   PORT=8010 DATA_DIR=var2 make run     a second instance beside the first
#   make test ARGS="-k launch"           words for pytest (-n 0: in one process)
#   make crash ARGS="--runs 20"          words for the crash suite (--help lists them)

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell command -v $(name) 2>/dev/null)))
SETUP = $(or $(PYTHON),$(error The portal needs Python 3.11 or newer, and none is in PATH. Install one and start again)) tools/bootstrap.py

.PHONY: help run test crash lint format clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: ## set up, start everything, print the address and the sign-ins
	@$(SETUP) run

test: ## set up, run the tests (ARGS="..." goes to pytest)
	@$(SETUP) test

crash: ## kill workers at every point, break everything else, count the automations (ARGS="--runs 20")
	@$(SETUP) crash

lint: ## ruff, mypy, import-linter, djlint, missing migrations
	@$(SETUP) lint

format: ## reformat Python and templates
	@$(SETUP) format

clean: ## remove DATA_DIR, after asking
	@$(SETUP) clean
