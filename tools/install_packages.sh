#!/bin/sh
# Installs what is missing of packages.txt.
#
#   tools/install_packages.sh SECTION...      such as: build test
#
# Says nothing when all is there. Needs root, or sudo, for anything else.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

# The packages of a section that are neither installed nor made unnecessary by a file.
missing_of() { # SECTION
  awk -v section="$1" '
    /^## / { inside = ($2 == section); next }
    /^#/ || /^$/ { next }
    inside { print $1, $2 }
  ' "$root/packages.txt" | while read -r package path; do
    if [ -n "$path" ] && [ -e "$path" ]; then continue; fi
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$status" = installed ] || echo "$package"
  done
}

missing=""
for section in "$@"; do
  grep -q "^## $section\$" "$root/packages.txt" || {
    echo "packages.txt has no section '$section'" >&2
    exit 2
  }
  missing="$missing$(missing_of "$section" | sed 's/^/ /' | tr -d '\n')"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
  command -v sudo > /dev/null || {
    echo "missing packages, to be installed by root:$missing" >&2
    exit 1
  }
fi
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# $missing is a list of words.
# shellcheck disable=SC2086
install_missing() {
  $sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $missing
}
if ! install_missing > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "could not install:$missing" >&2
  exit 1
fi
