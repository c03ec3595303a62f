#!/usr/bin/env bash
# Writes .sqlx anew: what PostgreSQL says about every checked query, after all migrations.
#
# Needs no sqlx-cli: the macros write what they learn when they are compiled against a live database. Run it
# after a change of a query or a migration, and commit the result. A query that is not in .sqlx yet does not
# compile otherwise, so the server is started by the program of the last build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BIN="${CARGO_TARGET_DIR:-target}/release"
if [ ! -x "$BIN/with-postgres" ]; then
    echo "sqlx: $BIN/with-postgres is missing: run \`make build\` on a commit that compiles, then again" >&2
    exit 1
fi

if [ "${1:-}" != --with-server ]; then
    exec "$BIN/with-postgres" "$0" --with-server
fi

# The variable has {} where the name of the database goes.
url=${VECTORA_TEST_DATABASE_URL//\{\}/vectora}
url=${url//%7B%7D/vectora}
for migration in migrations/*.up.sql; do
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --file "$migration" "$url"
done

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# Cargo does not know that a macro looked at a database: what uses one has to look changed.
grep --recursive --files-with-matches --include='*.rs' -E 'sqlx::query(_as|_scalar)?!' crates vectora | xargs touch
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh DATABASE_URL=$url \
    cargo check --locked --release --workspace --all-targets

rm -f .sqlx/query-*.json
cp "$fresh"/query-*.json .sqlx/
git status --short .sqlx
echo "sqlx: $(find .sqlx -name 'query-*.json' | wc -l) queries"
