#!/usr/bin/env bash
# Builds every fuzz target (preset fuzz) and runs each for SECONDS, starting from its seeds in
# tests/fuzz/seeds/<target>. What a target finds new is kept in build/fuzz/corpus/<target> for the
# next run; inputs that crash, leak or take too long in build/fuzz/artifacts/<target>.
# Exit status: 0, or 1 if any target found something.
set -euo pipefail

usage="usage: tools/run_fuzzers.sh [SECONDS] [TARGET...]   (default: 20 seconds, all targets)"
seconds=${1:-20}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "$usage" >&2
  exit 2
fi
shift || true

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
jobs=${JOBS:-2}
cmake --preset fuzz >/dev/null
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets <build/fuzz/fuzzers.txt
fi
cmake --build build/fuzz -j "$jobs" --target "${targets[@]}"

# One input: at most 64 KiB (the seeds are smaller), 1 GiB of memory (the sanitizers' own included)
# and 10 seconds, which the slowest path of a parser stays far below.
limits=(-rss_limit_mb=1024 -timeout=10 -max_len=65536)
failed=()
for target in "${targets[@]}"; do
  program=$(find build/fuzz -type f -name "$target" -perm -u+x | head -n 1)
  corpus=build/fuzz/corpus/$target
  artifacts=build/fuzz/artifacts/$target
  mkdir -p "$corpus" "$artifacts"
  seeds=()
  if [[ -d tests/fuzz/seeds/$target ]]; then seeds+=("tests/fuzz/seeds/$target"); fi
  extra=()
  if [[ -f tests/fuzz/$target.dict ]]; then extra+=("-dict=tests/fuzz/$target.dict"); fi
  log=build/fuzz/$target.log
  echo "== $target for $seconds s"
  if "$program" "${limits[@]}" "${extra[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$artifacts/" "$corpus" "${seeds[@]}" >"$log" 2>&1; then
    grep -E 'number_of_executed_units|peak_rss_mb' "$log" | sed 's/^stat::/   /'
  else
    failed+=("$target")
    tail -n 40 "$log"
  fi
done

if [[ ${#failed[@]} -gt 0 ]]; then
  echo "findings in: ${failed[*]} (inputs under build/fuzz/artifacts, logs in build/fuzz)" >&2
  exit 1
fi
echo "no findings in ${#targets[@]} targets"
