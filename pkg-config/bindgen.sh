#!/usr/bin/env bash
# Builds one wasm binary and its JavaScript side into dist:
#   bindgen.sh BIN PROFILE NAME      for example: bindgen.sh worker engine engine
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=pkg-config/tools.env
source pkg-config/tools.env
bin=$1 profile=$2 name=$3
target="${CARGO_TARGET_DIR:-target}"
cargo build --locked --profile "$profile" --bin "$bin" --no-default-features --features "$bin" --target "$WASM_TARGET"
wasm="$target/$WASM_TARGET/$profile/$bin.wasm"
if [ "dist/${name}_bg.wasm" -nt "$wasm" ]; then exit; fi
mkdir -p dist
draft=$(mktemp -d dist/.draft-XXXXXX)
trap 'rm -rf "$draft"' EXIT
"$target/tools/bin/wasm-bindgen" --target web --no-typescript --remove-name-section --remove-producers-section \
    --out-dir "$draft" --out-name "$name" "$wasm"
# Copies of the old files must not be served for the new ones.
rm -f "dist/$name.js".{br,gz} "dist/${name}_bg.wasm".{br,gz}
mv "$draft/$name.js" "dist/$name.js"
mv "$draft/${name}_bg.wasm" "dist/${name}_bg.wasm"
