#!/usr/bin/env bash
# Sets up one tool, unless it is there already:
#   setup.sh wasm-target | wasm-bindgen | wasm-split | browser | browser-tests | browser-bench | cargo-deny
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
    for name in ${CHROMIUM:-} chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name"; then exit; fi
    done
    if command -v apt-get >/dev/null; then
        as_root=
        [ "$(id -u)" = 0 ] || as_root=sudo
        if { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends chromium; } >&2; then
            command -v chromium && exit
        fi
    fi
    by_hand "the browser tests need Chromium or Chrome, 130 or newer; install it, or name it in CHROMIUM"
    ;;
browser-tests | browser-bench)
    folder=tests/browser
    [ "$1" = browser-tests ] || folder=benches/browser
    command -v npm >/dev/null || by_hand "$folder needs Node.js 20 or newer with npm; install it"
    cd "$folder"
    if ! cmp -s package-lock.json node_modules/.installed-lock; then
        npm ci --no-audit --no-fund || by_hand "npm ci failed in $folder; see above"
        cp package-lock.json node_modules/.installed-lock
    fi
    ;;
*)
    by_hand "usage: setup.sh wasm-target | wasm-bindgen | wasm-split | browser | browser-tests | browser-bench | cargo-deny"
    ;;
esac
