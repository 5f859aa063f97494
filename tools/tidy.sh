#!/usr/bin/env bash
# clang-tidy (14, .clang-tidy) over every src/**/*.cc of the release build, or over the files named.
# Every finding is an error.
set -euo pipefail

cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
cmake --preset release >/dev/null  # for compile_commands.json
files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
  # Sources without a compile command (benchmarks, fuzz targets) are left out: clang-tidy would
  # have to guess their flags.
  mapfile -t files < <(grep -o '"file": "[^"]*"' build/release/compile_commands.json |
    sed 's/^"file": "//; s/"$//' | grep "^$PWD/src/.*\.cc$" | sort -u)
fi
if [[ ${#files[@]} -eq 0 ]]; then
  echo "tidy: no files" >&2
  exit 2
fi
# clang does not know some of g++'s warning flags that stand in the compile commands. The counts that
# are taken out below are of warnings in system headers.
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$jobs" \
  clang-tidy-14 --quiet -p build/release --extra-arg=-Wno-unknown-warning-option 2>&1 |
  sed '/^[0-9]* warnings\? generated\.$/d'
echo "tidy: ${#files[@]} files, no findings"
