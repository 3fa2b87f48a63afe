#!/usr/bin/env bash
# Sets up one tool, unless it is there already:
#   setup.sh wasm-target | wasm-bindgen | wasm-split | browser | firefox | browser-tests | browser-bench | cargo-deny
# A step that fails says what to install by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=pkg-config/tools.env
source pkg-config/tools.env
tools="${CARGO_TARGET_DIR:-target}/tools"

by_hand() {
    printf 'doorplate: %s\n' "$*" >&2
    exit 1
}

# A tool of the pinned version from crates.io, into the target directory.
cargo_tool() {
    local name=$1 version=$2 install
    if grep -qs "^\"$name $version " "$tools/.crates.toml"; then return; fi
    install=(cargo install --force "$name" --version "$version" --root "$tools" "${@:3}")
    # A build of its own target directory, so that an exported CARGO_TARGET_DIR is not filled.
    # The tool's own lock file may name a version that the registry no longer has.
    CARGO_TARGET_DIR="$tools/build" "${install[@]}" --locked ||
        CARGO_TARGET_DIR="$tools/build" "${install[@]}" ||
        by_hand "$name $version could not be built; install it by hand: ${install[*]}"
    rm -rf "$tools/build"
}

# Through apt, where that is possible. What it says is not for whoever reads a path from here.
apt_package() {
    command -v apt-get >/dev/null || return 1
    local as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends "$1"; } >&2
}

# Prints the path of the first of these commands that is there.
first_of() {
    local name
    for name; do
        if command -v "$name"; then return; fi
    done
    return 1
}

case "${1:-}" in
wasm-target)
    libdir=$(rustc --print target-libdir --target "$WASM_TARGET")
    [ -d "$libdir" ] || rustup target add "$WASM_TARGET" ||
        by_hand "the Rust target is missing; install it by hand: rustup target add $WASM_TARGET"
    ;;
wasm-bindgen)
    cargo_tool wasm-bindgen-cli "$WASM_BINDGEN_VERSION"
    ;;
wasm-split)
    cargo_tool wasm_split_cli_support "$WASM_SPLIT_VERSION" --features build-binary
    ;;
cargo-deny)
    cargo_tool cargo-deny "$CARGO_DENY_VERSION"
    ;;
browser)
    # Prints the browser's path.
    # shellcheck disable=SC2086 # an unset CHROMIUM is no name
    if first_of ${CHROMIUM:-} chromium chromium-browser google-chrome google-chrome-stable; then exit; fi
    if apt_package chromium; then command -v chromium && exit; fi
    by_hand "the browser tests need Chromium or Chrome, 130 or newer; install it, or name it in CHROMIUM"
    ;;
firefox)
    # Prints its path; without it its tests alone are skipped, so this never fails.
    # shellcheck disable=SC2086 # an unset FIREFOX is no name
    found() {
        firefox=$(first_of ${FIREFOX:-} firefox-esr firefox) || return 1
        major=$("$firefox" --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1)
        [ "${major:-0}" -ge "$FIREFOX_LEAST" ]
    }
    if found || { apt_package firefox-esr && found; }; then echo "$firefox" && exit; fi
    echo "doorplate: the tests in Firefox are skipped; install Firefox $FIREFOX_LEAST or newer, or name it in FIREFOX" >&2
    ;;
browser-tests | browser-bench)
    folder=tests/browser
    [ "$1" = browser-tests ] || folder=benches/browser
    command -v npm >/dev/null || by_hand "$folder needs Node.js 20.14 or newer with npm; install it"
    cd "$folder"
    if ! cmp -s package-lock.json node_modules/.installed-lock; then
        npm ci --no-audit --no-fund || by_hand "npm ci failed in $folder; see above"
        cp package-lock.json node_modules/.installed-lock
    fi
    ;;
*)
    by_hand "usage: setup.sh wasm-target | wasm-bindgen | wasm-split | browser | firefox | browser-tests | browser-bench | cargo-deny"
    ;;
esac
