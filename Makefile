# Every routine of the repository. `make` alone lists them.
.DEFAULT_GOAL := help
BIN := .venv/bin
ROOMS := schemas streams connectors deploy
# Named after what it was made from, so that another lock makes another stamp.
STAMP := .venv/.made-from-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)

.PHONY: help setup up down demo test lint validate types generate check bench bench-guard peers chaos chaos-long soak fuzz drills sbom audit docs clean

help:
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv, exactly as locked

$(STAMP):
	@sh deploy/local/setup.sh
	@rm -f .venv/.made-from-* && touch $@

up: setup ## start the local stack: Kafka, TimescaleDB, Prometheus, Alertmanager
	@$(BIN)/quaystream up

down: setup ## stop the local stack; its data stays
	@$(BIN)/quaystream down

demo: setup ## the whole system at work, with a simulated port
	@$(BIN)/quaystream demo

test: setup ## all tests; the integration tests bring up their own stack
	$(BIN)/pytest -n 2 --dist loadfile

lint: setup ## style, formatting, room borders, security patterns
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r $(ROOMS)
	$(BIN)/hadolint deploy/image/Dockerfile deploy/image/database.Dockerfile
	@$(BIN)/python -m deploy.leaks
	@$(BIN)/python -m connectors.timescale.contraction

validate: setup ## manifests: our policies, the operators' definitions, checkov
	$(BIN)/python -m deploy.k8s.policy
	$(BIN)/python -m deploy.k8s.crds
	@sh deploy/k8s/checkov.sh

types: setup ## mypy, strict
	$(BIN)/mypy

generate: setup ## write the generated files anew
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m streams.cli.reference
	$(BIN)/python -m deploy.k8s.generate
	$(BIN)/python -m deploy.image.lock
	$(BIN)/python -m deploy.monitoring.dashboards

check: lint types validate ## what CI runs: lint, types, manifests, generated files, released event types, tests
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m schemas.compatibility
	$(BIN)/python -m streams.cli.reference --check
	$(BIN)/python -m deploy.k8s.generate --check
	$(BIN)/python -m deploy.image.lock --check
	$(BIN)/python -m deploy.monitoring.dashboards --check
	@$(MAKE) --no-print-directory test

bench: setup ## the benchmark against peers and the limit
	$(BIN)/quaystream bench

bench-guard: setup ## work per event, counted and not timed, against the budget
	$(BIN)/python -m streams.cli.benchmark.guard

peers: setup ## what the benchmark plays against: Telegraf (built from source), Quix Streams
	@sh streams/cli/benchmark/peers.sh

chaos: setup ## faults on a real stack and on a cluster, ledger checked after each
	$(BIN)/pytest tests/chaos -m "chaos or not chaos"
	$(BIN)/quaystream chaos --minutes 5

chaos-long: setup ## twenty seeds of two minutes in one go, each a line of docs/chaos-log.md
	$(BIN)/quaystream chaos --seeds 20 --minutes 2 --log docs/chaos-log.md

soak: setup ## an hour of load with small faults on the local stack that is up; MINUTES=5 for less
	@$(BIN)/python -m streams.cli.benchmark.soak --minutes $(or $(MINUTES),60)

sbom: setup ## the bill of materials of what the image runs, CycloneDX, into .quaystream/sbom.json
	@mkdir -p .quaystream
	@$(BIN)/cyclonedx-py requirements deploy/image/runtime.lock --pyproject pyproject.toml --output-reproducible --of JSON -o .quaystream/sbom.json
	@echo "written: .quaystream/sbom.json"

audit: setup ## known weaknesses of what is locked, where the advisory service can be reached
	@sh deploy/image/audit.sh

fuzz: setup ## a million inputs for the decoders, guided by what they reach
	@$(BIN)/python -m tests.fuzz

drills: setup ## cause faults on the local stack that is up, and time their alerts
	@$(BIN)/python -m deploy.monitoring.drills

docs: setup ## check that the documents tell the truth
	$(BIN)/pytest tests/docs

clean: setup ## stop the local stack and remove its data; asks first
	@$(BIN)/quaystream clean
