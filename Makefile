# The two commands are `make up` and `make test`. Both build the whole workspace with the profile `release`,
# so that they share what they compile: never `-p` here, and no other profile.

# Where rustup puts cargo, for shells that have not read ~/.cargo/env.
export PATH := $(PATH):$(HOME)/.cargo/bin
BIN := $(or $(CARGO_TARGET_DIR),target)/release

.DEFAULT_GOAL := help
.PHONY: help setup build up test bench figures sqlx fmt lint

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup: ## Install what is missing: nats-server, PostgreSQL, a C compiler
	@scripts/setup.sh

build: setup ## Build everything
	cargo build --locked --release --workspace

up: build ## Start everything in the foreground; ARGS="--listen 0.0.0.0:8080 --data-dir DIR"
	@exec $(BIN)/vectora up $(ARGS)

test: setup ## Everything a test needs, and every test; ARGS="name" runs some
	@scripts/test.sh $(ARGS)

bench: build ## Measure the mechanism; ARGS="--help" lists what can be set
	@exec $(BIN)/vectora bench queue $(ARGS)

figures: build ## Measure everything README's table names (a few minutes)
	@exec $(BIN)/vectora bench knowledge $(ARGS)

sqlx: setup ## Write .sqlx anew after a change of a query or a migration
	@scripts/sqlx.sh

fmt: ## Format
	cargo fmt --all

lint: setup ## Formatting and clippy, as `make test` checks them
	cargo fmt --all --check
	cargo clippy --locked --release --workspace --all-targets -- -D warnings
