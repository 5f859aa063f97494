#!/bin/sh
# Runs the tests of this folder with the packages of package-lock.json, fetched into the build folder.
#
#   MAOOCR=build/release/src/apps/maoocr tests/clients/run.sh BUILD_DIR [TEST_FILE...]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
mkdir -p "$build"
cp "$here"/package.json "$here"/package-lock.json "$build"
# Packages are fetched again only when the lock file has changed.
if ! cmp -s "$here/package-lock.json" "$build/node_modules/.installed"; then
  (cd "$build" && npm ci --silent --no-audit --no-fund)
  cp "$here/package-lock.json" "$build/node_modules/.installed"
fi
# Modules are looked for beside the test files.
mkdir -p "$build/tests/clients"
ln -sfn ../../node_modules "$build/tests/node_modules"
cp "$here"/*.js "$here/package.json" "$build/tests/clients"
cd "$build/tests/clients"
if [ $# -eq 0 ]; then set -- *.test.js; fi
MAOOCR_ROOT=$(cd "$here/../.." && pwd) exec node --test "$@"
