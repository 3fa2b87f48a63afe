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
    # of wasm are used must stay known. Leptos' views are smaller code as one type each. These flags
    # stand for those of .cargo/config.toml: the page has no use for SIMD.
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
    # A page that was loaded before a new version was put up must not be given that one's parts: they
    # work on its memory. So their folder is named after the whole.
    sum=$(command -v sha256sum || echo "shasum -a 256")
    folder=parts/$(cat "$draft/${name}_bg.wasm" "$draft"/parts/*.wasm | $sum | cut -c1-16)
    # Some hosts keep files to themselves whose names begin with an underscore, and some do not say
    # that a file is wasm, which streaming asks for.
    whole='src.then((response) => response.ok ? response.arrayBuffer() : Promise.reject(response.status))'
    sed -E -e "s#\"\./((split|chunk)_)#\"./$folder/\\1#" \
        -e "s#WebAssembly\.instantiateStreaming\(src, imports\)#$whole.then((bytes) => WebAssembly.instantiate(bytes, imports))#" \
        "$draft/parts/__wasm_split.js" > "$draft/$name-parts.js"
    rm "$draft/parts/__wasm_split.js"
    sed "s#from \"\./__wasm_split\.js\"#from \"./$name-parts.js\"#" "$draft/$name.js" > "$draft/renamed"
    mv "$draft/renamed" "$draft/$name.js"
    grep -q "\./$folder/" "$draft/$name-parts.js" && grep -q "from \"./$name-parts.js\"" "$draft/$name.js" ||
        { echo "doorplate: wasm-split-cli or wasm-bindgen write other names than this script knows" >&2; exit 1; }
    rm -rf dist/parts
    mkdir dist/parts
    mv "$draft/parts" "dist/$folder"
else
    "${bindgen[@]}" "$wasm"
fi
# What wasm-bindgen wrote holds comments and indentation, each on lines of its own, a tenth of it when
# compressed.
sed -E -i.long -e '/^ *\/\*\*/,/\*\//d' -e '/^ *\/\//d' -e 's/^ +//' "$draft/$name.js"
rm "$draft/$name.js.long"
# Copies of the old files must not be served for the new ones.
for file in "$draft/$name"*; do
    rm -f "dist/${file##*/}".{br,gz}
    mv "$file" dist/
done
