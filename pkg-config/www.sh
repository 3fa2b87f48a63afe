#!/usr/bin/env bash
# Copies www into dist without comments, and style sheets without the blanks that mean nothing, which
# are a fifth of what is sent. Comments must be on lines of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p dist
draft=$(mktemp dist/.draft-XXXXXX)
trap 'rm -f "$draft"' EXIT
if grep -nE '[^ ].*/\*|\*/.*[^ ]' www/*.css; then
    echo "doorplate: these comments share a line with something else" >&2
    exit 1
fi
for file in www/*; do
    copy="dist/${file#www/}"
    case "$file" in
        *.css)
            sed -E -e 's#/\*.*\*/##' -e '/\/\*/,/\*\//d' -e 's/^ +//' "$file" | tr '\n' ' ' |
                sed -E -e 's/ *([{};,]) */\1/g' -e 's/: +/:/g' -e 's/;\}/}/g' -e 's/ +/ /g'
            ;;
        *.js)
            sed -E -e '/^ *\/\/( |$)/d' -e '/^ *\/\*\*.*\*\/$/d' -e '/^ *\/\*\*/,/\*\//d' "$file"
            ;;
        *.html) sed -E -e '/^ *<!--.*-->$/d' -e '/^ *<!--/,/-->$/d' "$file" ;;
        *) cat "$file" ;;
    esac > "$draft"
    cmp -s "$draft" "$copy" && continue
    # A changed file must never be served beside the compressed copy of its old self.
    rm -f "$copy.br" "$copy.gz"
    install -m 644 "$draft" "$copy"
done
