#!/usr/bin/env bash
# How the server starts in a container (spec of Heketi's image, config.md §8). Variables:
#   HEKETI_PATH               folder of the database (/var/lib/heketi)
#   BACKUPDB_PATH             folder with a heketi.db.gz to begin with when there is no database yet (/backupdb)
#   HEKETI_DB_ARCHIVE_PATH    folder for a copy of the database at each start ($HEKETI_PATH/archive), - for none
#   HEKETI_DB_ARCHIVE_COUNT   how many copies are kept (5)
#   HEKETI_TRY_UPDATE_DB_VOL  yes: set options of the volume heketidbstorage if the database is on it
#   HEKETI_TOPOLOGY_FILE      file to load when there are no clusters yet; needs HEKETI_ADMIN_KEY
#   HEKETI_CONFIG             settings (/etc/heketi/heketi.json)
set -euo pipefail

: "${HEKETI_PATH:=/var/lib/heketi}" "${HEKETI_CONFIG:=/etc/heketi/heketi.json}" "${BACKUPDB_PATH:=/backupdb}"
: "${HEKETI_DB_ARCHIVE_PATH:=$HEKETI_PATH/archive}" "${HEKETI_DB_ARCHIVE_COUNT:=5}" "${HEKETI_TRY_UPDATE_DB_VOL:=no}"
database=$HEKETI_PATH/heketi.db

say() { echo "heketi-start: $*" >&2; }

require_writable() {
    local probe
    if ! probe=$(mktemp "$HEKETI_PATH/.writable.XXXXXX" 2>/dev/null); then
        say "$HEKETI_PATH cannot be written to: is its volume mounted, and does it belong to user $(id -u)?"
        exit 1
    fi
    rm -f "$probe"
}

restore() {
    local packed=$BACKUPDB_PATH/heketi.db.gz fresh=$HEKETI_PATH/.heketi.db.restored
    if [ -e "$database" ] || [ ! -f "$packed" ]; then return; fi
    if ! gunzip -c "$packed" >"$fresh"; then
        rm -f "$fresh"
        say "$packed cannot be unpacked: mend it, or take it away to begin without a database"
        exit 1
    fi
    mv "$fresh" "$database"
    say "began with the database of $packed"
}

is_ours() { [ "$(head -c 15 "$database")" = "SQLite format 3" ]; }

take_over() {
    if [ ! -s "$database" ] || is_ours; then return; fi
    say "$database is of Heketi: taking it over, the original is kept beside it"
    heketi db import --from="$database"
}

# The server before us may need a moment to let go, on another host say.
await() {
    local said
    [ -s "$database" ] || return 0
    for _ in $(seq 60); do
        if said=$(heketi db export --dbfile="$database" --jsonfile=- 2>&1 >/dev/null); then return; fi
        case $said in *"in use"*) sleep 1 ;; *) break ;; esac
    done
    say "the database cannot be used: $said"
    exit 1
}

archive() {
    local folder=$HEKETI_DB_ARCHIVE_PATH fresh name sum
    if [ "$folder" = - ] || [ ! -s "$database" ]; then return; fi
    if ! mkdir -p "$folder" 2>/dev/null || ! fresh=$(mktemp "$folder/.heketi.db.XXXXXX" 2>/dev/null); then
        say "no copy of the database was made: $folder cannot be written to"
        return
    fi
    trap 'rm -f "$fresh"*' RETURN
    if ! copy "$database" "$fresh"; then
        say "no copy of the database was made: see above"
        return
    fi
    sum=$(sha256sum <"$fresh" | cut -d' ' -f1)
    if grep -qsx "$sum" "$folder"/heketi.db-archive-*.sha256; then return; fi
    name=$folder/heketi.db-archive-$(date -u +%Y-%m-%d.%s)
    gzip -c "$fresh" >"$fresh.gz"
    chmod 600 "$fresh.gz"
    echo "$sum" >"$name.gz.sha256"
    mv "$fresh.gz" "$name.gz"
    find "$folder" -maxdepth 1 -name 'heketi.db-archive-*.gz' | sort | head -n "-$HEKETI_DB_ARCHIVE_COUNT" |
        while read -r old; do rm -f "$old" "$old.sha256"; done
}

# With what is still in its journal, which a copy of the file alone would lack.
copy() {
    python3 - "$1" "$2" <<'PYTHON'
import contextlib, sqlite3, sys

with contextlib.closing(sqlite3.connect(sys.argv[1])) as here, contextlib.closing(sqlite3.connect(sys.argv[2])) as there:
    here.backup(there)
PYTHON
}

tune_volume() {
    [ "$HEKETI_TRY_UPDATE_DB_VOL" = yes ] || return 0
    [ -s "$database" ] || return 0
    if awk -v path="$HEKETI_PATH" '$2 == path && $1 ~ /:\/?heketidbstorage$/ {found = 1} END {exit !found}' /proc/mounts; then
        heketi offline update-dbvol --config="$HEKETI_CONFIG" ||
            say "the options of volume heketidbstorage are as they were; the server starts all the same"
    fi
}

load_topology() {
    export HEKETI_CLI_SERVER=http://localhost:${HEKETI_HTTP_PORT:-8080} HEKETI_CLI_USER=admin
    export HEKETI_CLI_KEY=${HEKETI_ADMIN_KEY:-}
    local clusters
    for _ in $(seq 120); do
        if clusters=$(heketi-cli cluster list --json 2>/dev/null); then break; fi
        sleep 0.5
    done
    case ${clusters:-} in
        *'"clusters":[]'*) heketi-cli topology load --json="$HEKETI_TOPOLOGY_FILE" ;;
        "") say "$HEKETI_TOPOLOGY_FILE was not loaded: $HEKETI_CLI_SERVER does not answer, or HEKETI_ADMIN_KEY is not its key" ;;
        *) say "$HEKETI_TOPOLOGY_FILE was not loaded: there are clusters already" ;;
    esac
}

require_writable
restore
take_over
await
archive
tune_volume
if [ -n "${HEKETI_TOPOLOGY_FILE:-}" ]; then load_topology & fi
exec heketi --config="$HEKETI_CONFIG" "$@"
