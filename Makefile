# The commands people type; CI calls the same. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

MODE ?= automatic
CARGO ?= cargo
FUNCTIONS := alarm-handler database-witness promote-replica readiness-checker scale-asg shift-traffic snapshot-scheduler ssm-replicator
ARCH ?= x86_64
# Where cargo builds: CARGO_TARGET_DIR or its configuration may say. Asked only by what runs something from there.
TARGET = $(shell CARGO='$(CARGO)' python3 tests/target_dir.py)
# The tests need what they build once; incremental data and most debug information would only cost time.
export CARGO_TERM_COLOR ?= auto

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: tools
tools:
	@tests/tools.sh

.PHONY: demo
demo: tools ## lose a primary region, see the recovery region serve (MODE=approve waits for a person)
	@echo "demo: compiling the lab (the first time takes some minutes)"
	@$(CARGO) build --quiet --profile lab --package lab
	@"$(TARGET)/lab/lab" demo --mode $(MODE)

.PHONY: truth
truth: tools ## lose a region under load with real databases: is what the run reports what users saw? (SEEDS=20, SEED=7, MODE=approve, WITNESS=1, WATCH=5)
	@echo "truth: compiling (the first time takes some minutes)"
	@$(CARGO) build --quiet --profile lab --package truth
	@"$(TARGET)/lab/truth" --mode $(MODE) --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) $(if $(WITNESS),--witness) $(if $(WATCH),--watch $(WATCH))

.PHONY: test
test: tools ## everything that must hold: units, laws, scenarios, launcher, Terraform, end to end
	@python3 tests/run.py

.PHONY: moments
moments: tools ## the tests at every class of dates and hours: it takes hours (STAGES="launcher leap": some of it)
	@python3 tests/moments.py $(STAGES)

.PHONY: infra-test
infra-test: tools ## the Terraform alone: layout, validation, modules' tests, policies, checkov
	@python3 tests/environment.py .lab/checkov infra/tests/requirements.txt
	@python3 infra/tests/run.py

.PHONY: infra-apply
infra-apply: tools ## apply every example in the local world, plan, destroy, look what is left (EXAMPLE=brownfield: one)
	@echo "infra-apply: compiling the lab (the first time takes some minutes)"
	@$(CARGO) build --quiet --profile lab --package lab
	@"$(TARGET)/lab/lab" apply $(EXAMPLE)

.PHONY: verify
verify: tools ## the read-only gate: formatting, lints, docs, dependencies, tests, terraform fmt and validate
	@echo "verify: formatting"
	@$(CARGO) fmt --all --check
	@echo "verify: lints"
	@$(CARGO) clippy --quiet --profile lab --workspace --all-targets -- -D warnings
	@echo "verify: documentation"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --profile lab --workspace --no-deps
	@echo "verify: dependencies"
	@python3 tests/deny.py
	@$(MAKE) --no-print-directory test

.PHONY: fix
fix: tools ## format and mend what can be mended by itself
	@$(CARGO) fmt --all
	@$(CARGO) clippy --quiet --profile lab --workspace --all-targets --fix --allow-dirty --allow-staged
	@terraform fmt -recursive infra

.PHONY: build
build: tools ## release packages of all functions in target/lambda (ARCH=arm64 for Graviton)
	@functions/package.sh $(ARCH) $(FUNCTIONS)

.PHONY: cli
cli: ## the operator's program, as a release, in the target directory
	@$(CARGO) build --release --locked --package pilotlight
	@echo "built $(TARGET)/release/pilotlight"

.PHONY: lab
lab: tools ## start the local world with a small stack and leave it up
	@echo "lab: compiling the lab (the first time takes some minutes)"
	@$(CARGO) build --quiet --profile lab --package lab
	@"$(TARGET)/lab/lab" up --mode $(if $(filter command line,$(origin MODE)),$(MODE),approve)

.PHONY: lab-down
lab-down: ## end the local world
	@[ ! -e .lab/world.lock ] || [ -x "$(TARGET)/lab/lab" ] || $(CARGO) build --quiet --profile lab --package lab
	@if [ -x "$(TARGET)/lab/lab" ]; then "$(TARGET)/lab/lab" down; else echo "no world is up"; fi

.PHONY: lab-lose
lab-lose: ## cut the primary region of the local world off
	@"$(TARGET)/lab/lab" lose

.PHONY: lab-return
lab-return: ## bring the primary region of the local world back
	@"$(TARGET)/lab/lab" give-back

.PHONY: watch
watch: tools ## serve the functions from source with cargo lambda watch, against the local world
	@$(CARGO) build --quiet --profile lab --package lab
	@tests/lab/watch.sh

.PHONY: simulate
simulate: tools ## play SEEDS=10000 disturbed worlds, or show everything that happens in one (SEED=42)
	@$(CARGO) build --quiet --profile lab --package simulation
	@"$(TARGET)/lab/simulate" $(if $(SEED),--seed $(SEED) $(if $(UNDISTURBED),--undisturbed),--seeds $(or $(SEEDS),10000))

.PHONY: scenarios
scenarios: tools ## list the scenarios: every step with every harm, and whole runs
	@$(CARGO) test --quiet --profile lab --package scenarios -- --list 2>/dev/null | sed -n 's/: test$$//p'

.PHONY: prove
prove: ## explore every configuration of the model, hunt every mutant, try every law 10,000 times
	@echo "prove: compiling the model (the first time takes some minutes)"
	@$(CARGO) build --quiet --profile lab --package model
	@"$(TARGET)/lab/prove"

.PHONY: mutants
mutants: tools ## run every mutant that has no result yet: hours; cut short, it goes on (SHARD=2/8 SECONDS=600 FILE=... DRAW=200)
	@python3 tests/mutants.py run $(if $(SHARD),--shard $(SHARD)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(FILE),--file '$(FILE)') $(if $(DRAW),--draw $(DRAW))

.PHONY: rules
rules: tools ## each value of each field, and PLANS=3000 drawn plans: does Terraform refuse what the functions refuse? (SEED=7 begins elsewhere)
	@$(CARGO) build --quiet --profile lab --package protocol --example judge-plan
	@python3 infra/tests/agreement_test.py --plans $(or $(PLANS),3000) --every-value --through-the-module 20 $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: tools ## measure cold start, memory, sizes, the core and parameters against their budgets
	@tests/bench/run.sh
