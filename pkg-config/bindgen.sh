#!/usr/bin/env bash
# Builds one wasm binary and its JavaScript side into dist:
#   bindgen.sh BIN PROFILE NAME [--parts]      for example: bindgen.sh worker engine engine
# With --parts, what `wasm_split` marks in the code comes into files of its own, dist/parts/.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=pkg-config/tools.env
source pkg-config/tools.env
bin=$1 profile=$2 name=$3 parts=${4:-}
target="${CARGO_TARGET_DIR:-target}"
flags=()
if [ -n "$parts" ]; then
    # Taking a wasm apart needs the linker's notes; names would go into every part, and which features
    # of wasm are used must stay known. Leptos' views are smaller code as one type each.
    flags=(-Clink-arg=--emit-relocs -Cstrip=symbols -Clink-arg=--keep-section=target_features)
    export RUSTFLAGS="--cfg erase_components"
fi
cargo rustc --locked --profile "$profile" --bin "$bin" --no-default-features --features "$bin" \
    --target "$WASM_TARGET" -- "${flags[@]}"
wasm="$target/$WASM_TARGET/$profile/$bin.wasm"
if [ "dist/${name}_bg.wasm" -nt "$wasm" ]; then exit; fi
mkdir -p dist
draft=$(mktemp -d dist/.draft-XXXXXX)
trap 'rm -rf "$draft"' EXIT
bindgen=("$target/tools/bin/wasm-bindgen" --target web --no-typescript --remove-name-section
    --remove-producers-section --out-dir "$draft" --out-name "$name")
if [ -n "$parts" ]; then
    "$target/tools/bin/wasm-split-cli" --target web --out-name "$name" "$wasm" "$draft/parts"
    "${bindgen[@]}" --keep-lld-exports "$draft/parts/$name.wasm"
    rm "$draft/parts/$name.wasm"
    # Some hosts keep files to themselves whose names begin with an underscore.
    sed 's#"\./\(split\|chunk\)_#"./parts/\1_#' "$draft/parts/__wasm_split.js" > "$draft/$name-parts.js"
    rm "$draft/parts/__wasm_split.js"
    sed -i "s#from \"\./__wasm_split\.js\"#from \"./$name-parts.js\"#" "$draft/$name.js"
    rm -rf dist/parts
    mv "$draft/parts" dist/parts
else
    "${bindgen[@]}" "$wasm"
fi
# Copies of the old files must not be served for the new ones.
for file in "$draft/$name"*; do
    rm -f "dist/${file##*/}".{br,gz}
    mv "$file" dist/
done
