#!/usr/bin/env bash
# Installs what Vectora needs and this machine lacks: a C compiler, nats-server, PostgreSQL, CA certificates.
#
# When all is there it changes nothing and needs neither root nor network. Packages come from the
# distribution. Vectora runs servers of its own, so the distribution's are only installed: no cluster is
# created, and no service is left running or enabled.
#
# As root it installs; as another user it does so through sudo, if sudo asks for no password; otherwise it
# prints the command to run as root and ends with 1.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

# The oldest PostgreSQL that will do: see crates/embedded/src/find.rs.
readonly OLDEST_POSTGRES=15
# What this script may install.
readonly KNOWN="build-essential nats-server postgresql ca-certificates"

# Debian keeps servers in /usr/sbin, which is not on an ordinary user's PATH.
has_program() {
    PATH="$PATH:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin" command -v "$1" >/dev/null 2>&1
}

has_postgres() {
    local dir version
    for dir in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin /usr/local/bin /usr/bin; do
        [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] || continue
        # `postgres (PostgreSQL) 15.20 (Debian …)`, `… 18beta1`
        version=$("$dir/postgres" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
        [ "${version:-0}" -ge "$OLDEST_POSTGRES" ] && return 0
    done
    return 1
}

# The HTTP client of `vectora ask` refuses to start without any.
has_certificates() {
    local file
    for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
        /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
        [ -n "$file" ] && [ -s "$file" ] && return 0
    done
    return 1
}

missing() {
    # Rust links with cc, and ring and others compile C and assembler with it.
    has_program cc || echo build-essential
    has_program nats-server || echo nats-server
    has_postgres || echo postgresql
    has_certificates || echo ca-certificates
}

# Files to remove again, whatever happens.
UNDO=()
put_back() { [ ${#UNDO[@]} -eq 0 ] || rm -f "${UNDO[@]}"; }

# As root, with package names.
install_packages() {
    local package policy=/usr/sbin/policy-rc.d
    local conf=/etc/postgresql-common/createcluster.conf dropin=/etc/postgresql-common/createcluster.d/vectora.conf
    for package in "$@"; do
        case " $KNOWN " in
            *" $package "*) ;;
            *) say "not one of ours: $package"; return 1 ;;
        esac
    done

    trap put_back EXIT
    trap 'exit 130' INT TERM HUP
    # Ends with 101: "no" to every package that wants to start its service. An existing one is the owner's.
    if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
        UNDO+=("$policy")
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    if [[ " $* " == *" postgresql "* ]]; then
        if [ ! -e "$conf" ]; then
            mkdir -p "${conf%/*}"
            printf '# Written by Vectora: it runs a private cluster.\ncreate_main_cluster = false\n' >"$conf"
        elif [ ! -e "$dropin" ]; then
            # The file is the owner's; it reads this directory, for as long as the installation takes.
            mkdir -p "${dropin%/*}"
            UNDO+=("$dropin")
            echo 'create_main_cluster = false' >"$dropin"
        fi
    fi

    # The file written above is kept, and nothing asks: UCF_… is for createcluster.conf, Dpkg::… for the others.
    export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1
    say "installing $*"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"

    # The package enables its service for the next start of the machine.
    if [[ " $* " == *" nats-server "* ]] && command -v systemctl >/dev/null 2>&1; then
        [ ! -d /run/systemd/system ] || systemctl stop nats-server.service || true
        systemctl disable --quiet nats-server.service 2>/dev/null || true
    fi
}

main() {
    if [ "${1:-}" = --install ]; then
        shift
        install_packages "$@"
        return
    fi

    # Where rustup puts it, for shells that have not read ~/.cargo/env.
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    if ! has_program cargo; then
        say "Rust is missing (no cargo on PATH): install 1.95 or newer from https://rustup.rs and try again"
        return 1
    fi

    local self
    local -a packages
    self=$(realpath "${BASH_SOURCE[0]}")
    mapfile -t packages < <(missing)
    [ ${#packages[@]} -gt 0 ] || return 0

    if ! has_program apt-get; then
        say "missing: ${packages[*]}"
        say "these are Debian's names, and there is no apt-get here: install them with your package manager"
        return 1
    fi
    if [ "$(id -u)" -eq 0 ]; then
        bash "$self" --install "${packages[@]}"
    elif sudo -n true 2>/dev/null; then
        sudo -n bash "$self" --install "${packages[@]}"
    else
        say "missing: ${packages[*]}"
        say "run this as root, then try again:"
        printf '\n    sudo bash %q --install %s\n\n' "$self" "${packages[*]}" >&2
        say "or: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}"
        say "(the first one also keeps the distribution's servers from being started)"
        return 1
    fi

    mapfile -t packages < <(missing)
    if [ ${#packages[@]} -gt 0 ]; then
        say "still missing after the installation: ${packages[*]}"
        return 1
    fi
    say "everything is there"
}

main "$@"
