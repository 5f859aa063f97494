#!/usr/bin/env bash
# clang-tidy (14, .clang-tidy) over every src/**/*.cc of the release build, or over the files named.
# Every finding is an error; what could be faster is none in a test.
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

sources=()
tests=()
for file in "${files[@]}"; do
  if [[ $file == *_test.cc ]]; then tests+=("$file"); else sources+=("$file"); fi
done

# Check FILE... with further arguments. clang does not know some of g++'s warning flags that stand in
# the compile commands. The counts that are taken out are of warnings in system headers.
check() {
  local further=$1
  shift
  printf '%s\0' "$@" | xargs -0 -r -n 4 -P "$jobs" clang-tidy-14 --quiet -p build/release \
    --extra-arg=-Wno-unknown-warning-option "$further" 2>&1 |
    sed -u '/^[0-9]* warnings\? generated\.$/d'
}

status=0
if [[ ${#sources[@]} -gt 0 ]]; then check --checks= "${sources[@]}" || status=1; fi
if [[ ${#tests[@]} -gt 0 ]]; then check '--checks=-performance-*' "${tests[@]}" || status=1; fi
if [[ $status -ne 0 ]]; then
  echo "tidy: findings in ${#files[@]} files" >&2
  exit 1
fi
echo "tidy: ${#files[@]} files, no findings"
