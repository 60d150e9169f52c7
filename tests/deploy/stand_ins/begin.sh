#!/bin/sh
# What the public PostgreSQL image does at its first start, as far as compose.yaml relies on it.
set -eu

[ "$1" = postgres ] || exec "$@"
export PGDATA=/var/lib/postgresql/18/docker
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install --directory --owner postgres --group postgres --mode 0700 "$PGDATA"
    words=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$words"
    chown postgres "$words"
    # shellcheck disable=SC2086  # several words
    setpriv --reuid postgres --regid postgres --init-groups \
        initdb --username "$POSTGRES_USER" --pwfile "$words" $POSTGRES_INITDB_ARGS
    rm "$words"
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\"" |
        setpriv --reuid postgres --regid postgres --init-groups postgres --single -j postgres
fi
shift
exec setpriv --reuid postgres --regid postgres --init-groups \
    postgres -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
