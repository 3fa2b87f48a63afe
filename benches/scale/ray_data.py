"""Removes the digits from archives of photos with Ray Data.

    python benches/scale/ray_data.py PROGRAM SHARDS BOXES OUT [CORES]

SHARDS is a folder of tar archives, such as those of WebDataset; it and OUT may be in any file system that
Ray knows, such as s3://bucket/shards. PROGRAM and BOXES, a list of boxes, must be at the same place on
every machine. OUT becomes a data set with a row for each photo: name, result, record.
"""

import io
import pathlib
import sys

import ray

HERE = pathlib.Path(__file__).parent


def main(program, shards, boxes, out, cores=None):
    # `cores` for a test on this machine alone; otherwise the cluster's, or all.
    alone = {"num_cpus": int(cores), "include_dashboard": False} if cores else {}
    ray.init(runtime_env={"py_modules": [str(HERE / "archives.py")]}, **alone)

    def erase_shard(row):
        from archives import erase, members

        photos = members(io.BytesIO(row["bytes"]))
        for name, result, record in erase(program, photos, ["--boxes", boxes]):
            yield {"name": name, "result": result or b"", "record": record}

    files = ray.data.read_binary_files(shards, file_extensions=["tar"])
    files.flat_map(lambda row: list(erase_shard(row)), num_cpus=1).write_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
