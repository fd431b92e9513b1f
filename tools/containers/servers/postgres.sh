# Initialises the volume of a new database as the official image does, and starts the server.
set -eu
data=/var/lib/postgresql/18/docker
as_postgres="setpriv --reuid=999 --regid=999 --clear-groups"
if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    chown -R 999:999 /var/lib/postgresql
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    chown 999 /tmp/password
    $as_postgres initdb -D "$data" --username="$POSTGRES_USER" --pwfile=/tmp/password \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
    # On the socket alone, so that nobody takes this server for the one that serves.
    $as_postgres pg_ctl -D "$data" -o "-c listen_addresses='' -c unix_socket_directories=/tmp" -w start
    $as_postgres createdb --host=/tmp --username="$POSTGRES_USER" "$POSTGRES_DB"
    $as_postgres pg_ctl -D "$data" -m fast -w stop
fi
exec $as_postgres "$@" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
