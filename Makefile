# Everything has one command; `make help` lists them. Each does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NAME ?= icmp

.PHONY: help setup run test check bench faults peers soak fuzz clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.run: requirements.txt pyproject.toml
	@PYTHON="$(PYTHON)" .ci/environment $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml
	@PYTHON="$(PYTHON)" .ci/environment $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.run

setup: $(VENV)/.run ## make .venv with the command `thongsuot` (pinned, hashes checked)
	@echo "ready: $(BIN)/thongsuot --help"

run: $(VENV)/.run ## run a sample province on this machine; board on http://127.0.0.1:8080
	@.ci/packages run
	@exec $(BIN)/thongsuot run

test: $(VENV)/.dev ## run all tests (says what it leaves out without root)
	@.ci/packages test
	@.ci/tests $(BIN)/python $(ARGS)

check: $(VENV)/.dev ## lint, format, types and the sample inventories
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/thongsuot check inventory/samples/soc-trang-2021
	@$(BIN)/thongsuot check inventory/samples/quang-nam-2021

bench: $(VENV)/.dev ## run one benchmark against its peer: make bench NAME=icmp
	@.ci/packages test
	@$(BIN)/thongsuot bench $(NAME)

faults: $(VENV)/.dev ## inject seeded faults into a lab and score what was believed
	@.ci/packages test
	@$(BIN)/python -m pytest -q tests/faults -m "faults_long or not faults_long" $(ARGS)

peers: $(VENV)/.dev ## count the steps of each task on our pages and on other programs' (as root; installs them)
	@.ci/packages peers
	@unshare -n sh -c 'ip link set lo up && exec $(BIN)/python -m tests.peers.run'

soak: $(VENV)/.dev ## kill and restart the service under load and count what was lost; drive the longest tasks
	@.ci/packages test
	@$(BIN)/python -m pytest -q tests/acceptance tests/alerting tests/dashboards -m soak $(ARGS)

fuzz: $(VENV)/.dev ## hurl mutated bytes at every decoder, ten minutes or ten million each: make fuzz NAME="dns sip"
	@RUST_BACKTRACE=0 $(BIN)/python -m tests.fuzz.run $(if $(filter command line environment,$(origin NAME)),$(NAME)) $(ARGS)

clean: ## remove what the other targets made
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
