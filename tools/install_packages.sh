#!/bin/sh
# Installs what is missing of packages.txt.
#
#   tools/install_packages.sh SECTION...      such as: build test
#
# Says nothing when all is there. Needs root, or sudo, for anything else. Of "PACKAGE@SUITE" a suite
# that apt does not know yet is added to its sources, from the mirror that it uses already.
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
    status=$(dpkg-query -W -f '${db:Status-Status}' "${package%@*}" 2> /dev/null || true)
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

# The mirrors of a suite, main component, as apt has them after an update.
mirrors_of() { # SUITE
  # $(REPO_URI) is for apt.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' "Codename: $1" 'Component: main'
}

# Where the mirror does not have the suite, apt stays as it was.
add_suite() { # SUITE, such as bookworm-backports
  [ -z "$(mirrors_of "$1")" ] || return 0
  mirror=$(mirrors_of "${1%-*}" | head -n 1)
  [ -n "$mirror" ] || {
    echo "apt has no source of ${1%-*} whose mirror could have $1 too"
    return 1
  }
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  file=/etc/apt/sources.list.d/maoocr-$1.sources
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$mirror" "$1"
    [ ! -e "$keys" ] || echo "Signed-By: $keys"
  } | $sudo tee "$file" > /dev/null
  echo "adding $1 to the sources of apt: $file" >&3
  $sudo apt-get update -qq || {
    $sudo rm "$file"
    return 1
  }
}

install_missing() {
  $sudo apt-get update -qq || return 1
  names=""
  for package in $missing; do
    case $package in
      *@*)
        add_suite "${package#*@}" || return 1
        # Not PACKAGE/SUITE, which would take what it depends on from there too.
        names="$names ${package%@*}"
        ;;
      *) names="$names $package" ;;
    esac
  done
  # $names is a list of words.
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $names
}
if ! install_missing 3>&1 > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "could not install:$missing" >&2
  exit 1
fi
