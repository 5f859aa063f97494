#!/usr/bin/env bash
# Line coverage of src/ by all tests (preset coverage, gcovr): a table on the terminal and in
# build/coverage/coverage.txt. Tests, benchmarks and fuzz targets do not count as lines to cover.
# Further arguments go to ctest, such as -R scheduler for a part of the tests. The table is made, and
# the exit status is that of ctest, also when a test fails.
set -euo pipefail

cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
cmake --preset coverage >/dev/null
cmake --build build/coverage -j "$jobs"
find build/coverage -name '*.gcda' -delete  # counts of an earlier run
status=0
ctest --test-dir build/coverage --output-on-failure "$@" || status=$?
gcovr --root . --filter 'src/' --exclude '.*_(test|bench|fuzz)\.cc' --exclude '.*/testing/' \
  --exclude '.*/test_[a-z_]+\.(h|cc)' --exclude '.*_for_test\.h' \
  --exclude-unreachable-branches --exclude-throw-branches -j "$jobs" \
  --txt build/coverage/coverage.txt build/coverage
cat build/coverage/coverage.txt
exit $status
