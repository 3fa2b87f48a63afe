#!/usr/bin/env bash
# Removes the digits from archives of photos with GNU parallel, on one machine or many.
#
#     benches/scale/parallel.sh PROGRAM SHARDS BOXES OUT [OPTIONS OF PARALLEL]
#
# SHARDS and OUT are folders. An archive in OUT is complete; if this is started again, only missing ones
# are made. With --sshloginfile FILE the archives are done on other machines that share the folders.
set -euo pipefail
program=$1 shards=$2 boxes=$3 out=$4
shift 4

one() {
    # Beside its final name, which it gets once it is complete: also with photos that have failed (6), or
    # on which something may be left (7), as their records say.
    local program=$1 boxes=$2 out=$3 shard=$4 code=0
    local result=$out/$(basename "$shard")
    "$program" erase --tar --jobs 1 --boxes "$boxes" < "$shard" > "$result.part" || code=$?
    [[ $code == 0 || $code == 6 || $code == 7 ]] || exit "$code"
    mv "$result.part" "$result"
}
export -f one

mkdir -p "$out"
comm -23 <(cd "$shards" && ls -- *.tar) <(cd "$out" && ls -- *.tar 2>/dev/null || true) |
    parallel -q --retries 3 --halt soon,fail=1 "$@" one "$program" "$boxes" "$out" "$shards/{}"
