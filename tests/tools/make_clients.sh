#!/bin/sh
# Installs the clients that `make clients` runs against the endpoint: make_clients.sh FOLDER PYTHON
# In FOLDER: `python`, a virtual environment with the AWS CLI v1 and the SageMaker Python SDK v2, and `node_modules`
# with the AWS SDK for JavaScript v3; versions as in tests/clients/heavy/install. Where it cannot go on it says why.
set -eu

clients=$1
python=$2
versions=tests/clients/heavy/install

fail() {
    echo "clients: $*" >&2
    exit 1
}

for command in node npm; do
    command -v "$command" >/dev/null 2>&1 || fail "there is no $command here. On Debian and Ubuntu: apt-get install nodejs npm"
done
node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' ||
    fail "the AWS SDK for JavaScript needs Node.js 20 or later, and this is $(node --version)"

mkdir -p "$clients"
if ! "$clients/python/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "clients: virtual environment in $clients/python"
    "$python" -m venv --clear "$clients/python" || fail "$python cannot make virtual environments"
fi

echo "clients: AWS CLI and SageMaker Python SDK (470 MB; the first time this takes a minute or two)"
"$clients/python/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps \
    --progress-bar on --requirement "$versions/requirements.txt" ||
    fail "the packages could not be installed; pip says why above"
"$clients/python/bin/python" -m pip check --disable-pip-version-check || fail "the packages do not fit together"

echo "clients: AWS SDK for JavaScript (33 MB)"
cp "$versions/package.json" "$versions/package-lock.json" "$clients/"
(cd "$clients" && npm ci --no-audit --no-fund --no-update-notifier) ||
    fail "the packages could not be installed; npm says why above"
echo "clients: ready"
