#!/bin/sh
# Makes the virtual environment that the Makefile works in: make_venv.sh FOLDER
# Prints what it does and, where it cannot go on, what is missing.
set -eu

venv=$1

fail() {
    echo "set-up: $*" >&2
    exit 1
}

# A version manager's shim may be on the path for a version that is not installed: only running it tells.
find_python() {
    for name in python3.11 python3 python3.12 python3.13 python3.14 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            "$name" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

[ "$(uname -s)" = Linux ] || fail "this is not Linux. On a Mac, work inside a Linux container"

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || fail "no Python 3.11 or later was found (tried python3.11, python3, python3.12, ...)"
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    echo "set-up: virtual environment in $venv ($("$python" --version))"
    "$python" -m venv --clear "$venv"
fi

echo "set-up: packages (the first time this takes a minute or two)"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-input --editable '.[aws,dev,stacks,trees]' ||
    fail "the packages could not be installed; pip says why above"

command -v gcc >/dev/null 2>&1 || echo "set-up: no gcc here: compilation jobs cannot run, and their tests are skipped" >&2
echo "set-up: ready"
