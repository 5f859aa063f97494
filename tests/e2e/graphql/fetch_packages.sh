#!/bin/sh
# Fetches the npm packages that the tests in this folder compare with.
#
#   fetch_packages.sh DEST
#
# package.json pins their versions, package-lock.json the SHA-512 of each. What is there already is
# not fetched again. Needs npm and node.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dest=$1
mkdir -p "$dest"
if cmp -s "$here/package-lock.json" "$dest/installed-lock.json"; then
  exit 0
fi
cp "$here/package.json" "$here/package-lock.json" "$dest"
cd "$dest"
npm ci --silent --ignore-scripts --no-audit --no-fund
cp package-lock.json installed-lock.json
