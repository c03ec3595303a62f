#!/usr/bin/env bash
# Everything `make test` checks, in the order in which it fails soonest. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BIN="${CARGO_TARGET_DIR:-target}/release"
LISTS=$(mktemp -d)
trap 'rm -rf "$LISTS"' EXIT

step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if ! "$@"; then
        printf '== %s: failed after %d s\n' "$name" $((SECONDS - began)) >&2
        exit 1
    fi
    printf '== %s: %d s\n' "$name" $((SECONDS - began))
}

# Which packages are built with which features; $1 are the kinds of dependencies counted.
features() {
    cargo tree --locked --workspace --edges "$1" --prefix none --format '{p} {f}' \
        | sed -e 's/ (\*)$//' -e 's/ (proc-macro)//' | sort -u
}

# A dependency that has other features with the tests than without is compiled twice, and everything above it
# too: `make up` and `make test` would share little.
same_features() {
    features normal,build >"$LISTS/build" || return 1
    features normal,build,dev >"$LISTS/test" || return 1
    if ! diff "$LISTS/build" "$LISTS/test" >"$LISTS/diff"; then
        cat "$LISTS/diff"
        echo "These differ between \`cargo build --workspace\` (<) and \`cargo test --workspace\` (>)."
        echo "Make what only tests need a normal dependency of crates/testkit: see CONTRIBUTING.md."
        return 1
    fi
}

tools() {
    cargo fmt --version && cargo clippy --version && return
    echo "install them with: rustup component add rustfmt clippy"
    return 1
}

# GiB: 13 were seen built, some of it twice after changes; the tests write on top of that.
readonly ROOM=14

# A full disk shows as an error of the compiler or of the linker, ten minutes later.
room() {
    local dir="${CARGO_TARGET_DIR:-target}" free built
    mkdir -p "$dir"
    free=$(($(df --output=avail -k "$dir" | tail -n 1) / 1048576))
    built=$(($(du -sk "$dir" | cut -f 1) / 1048576))
    echo "$free GiB free, $built GiB built"
    [ $((free + built)) -ge $ROOM ] && return
    echo "A build may take $ROOM GiB. Make room: old artifacts of this and other clones go with rm -rf target."
    return 1
}

tests() {
    # The tests wait more than they compute: for leases, for servers, for a process to end.
    export RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}"
    # One PostgreSQL for the whole run; a test that harms it starts its own.
    if [ -n "${VECTORA_TEST_DATABASE_URL:-}" ]; then
        cargo test --locked --release --workspace "$@"
    else
        "$BIN/with-postgres" cargo test --locked --release --workspace "$@"
    fi
}

step "tools" tools
step "room" room
step "format" cargo fmt --all --check
step "features" same_features
# Targets of the tests too: what `cargo test` runs is then built already, and the next step starts at once.
step "build" cargo build --locked --release --workspace --all-targets
step "lint" cargo clippy --locked --release --workspace --all-targets -- -D warnings
step "tests" tests "$@"
printf '\nAll passed in %d s.\n' "$SECONDS"
