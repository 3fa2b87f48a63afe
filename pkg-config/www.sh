#!/usr/bin/env bash
# Copies www into dist without comments, which must be on lines of their own. The style sheets of
# www/styles are joined into the two that are served, without the blanks that mean nothing, which are a
# fifth of what is sent. This needs no more than sed; a better minifier would make Node.js a tool of the
# build, which only the browser tests need now, and Brotli finds most of what it would save.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p dist
draft=$(mktemp dist/.draft-XXXXXX)
trap 'rm -f "$draft"' EXIT

# What is on screen at first, and what www/app-start.js fetches behind the page. Of two rules that
# weigh the same the later one counts, so small screens come last.
first=(base buttons header stage boxes panel rows engine strip saving messages empty drop small-screens)
later=(comparison brush dialogs inspector models on-demand)
sheets=("${first[@]/%/.css}" "${later[@]/%/.css}")
if [ "$(printf '%s\n' "${sheets[@]}" | sort)" != "$(cd www/styles; printf '%s\n' * | sort)" ]; then
    echo "doorplate: pkg-config/www.sh must name each sheet of www/styles once" >&2
    exit 1
fi
if grep -nE '[^ ].*/\*|\*/.*[^ ]' www/styles/*.css; then
    echo "doorplate: these comments share a line with something else" >&2
    exit 1
fi

# Gives a file of dist the content that is read, unless it has it.
put() {
    cat > "$draft"
    cmp -s "$draft" "dist/$1" && return
    # A changed file must never be served beside the compressed copy of its old self.
    rm -f "dist/$1.br" "dist/$1.gz"
    install -m 644 "$draft" "dist/$1"
}

# Joins sheets of www/styles.
joined() {
    (cd www/styles; cat "${@/%/.css}") |
        sed -E -e 's#/\*.*\*/##' -e '/\/\*/,/\*\//d' -e 's/^ +//' | tr '\n' ' ' |
        sed -E -e 's/ *([{};,]) */\1/g' -e 's/: +/:/g' -e 's/;\}/}/g' -e 's/ +/ /g'
}

joined "${first[@]}" | put styles.css
joined "${later[@]}" | put later.css
# A file without its comments.
bare() {
    case "$1" in
        *.js) sed -E -e '/^ *\/\/( |$)/d' -e '/^ *\/\*\*.*\*\/$/d' -e '/^ *\/\*\*/,/\*\//d' "$1" ;;
        *.html) sed -E -e '/^ *<!--.*-->$/d' -e '/^ *<!--/,/-->$/d' "$1" ;;
        *) cat "$1" ;;
    esac
}

for file in www/*; do
    [ -d "$file" ] || bare "$file" | put "${file#www/}"
done
