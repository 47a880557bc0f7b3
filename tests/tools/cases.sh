# What the programs in bash share: `case_of NAME COMMAND ...` runs a command (often a function) and
# prints `ok NAME`, or `not ok NAME: why` with the end of what it said.
set -u
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
export PGCONNECT_TIMEOUT=30 LC_ALL=C.UTF-8

case_of() {
    local name=$1
    shift
    if "$@" >"$here/said" 2>&1 </dev/null; then
        echo "ok $name"
    else
        echo "not ok $name: $(tail -n 6 "$here/said" | tr '\n\t' '  ' | tail -c 500)"
    fi
}

# same GOT EXPECTED
same() {
    [ "$1" = "$2" ] || { printf 'got %q, expected %q\n' "$1" "$2"; return 1; }
}

# ask ARGUMENT ...: psql without decoration
ask() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }
