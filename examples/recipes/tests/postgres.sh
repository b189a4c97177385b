#!/bin/sh
# Starts a PostgreSQL cluster in a temporary folder, runs a command with its DATABASE_URL, and stops it:
# examples/recipes/tests/postgres.sh cargo test -p recipes --test outbox
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
dir=$(mktemp -d)
# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="runuser -u postgres --"; else as=; fi
trap '$as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null; rm -rf "$dir"' EXIT
$as "$bin/initdb" -D "$dir/data" -U postgres -A trust >/dev/null
$as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -o "-k $dir -c listen_addresses=''" start >/dev/null
DATABASE_URL="postgres://postgres@localhost/postgres?host=$dir" "$@"
