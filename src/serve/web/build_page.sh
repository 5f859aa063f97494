#!/bin/sh
# Bundles the page into OUT/dist, with the packages of its lock file.
#
#   build_page.sh PAGE_DIR OUT
set -eu

page=$1
out=$2
mkdir -p "$out"
cp -r "$page/package.json" "$page/package-lock.json" "$page/src" "$out"
cd "$out"
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --silent --no-audit --no-fund
  cp package-lock.json node_modules/.installed
fi
mkdir -p dist
npm run --silent build
