"""`doorplate erase --tar` on the engines of docs/scale.md, beside one process; `make bench-scale` runs this.

    python benches/scale/bench.py PROGRAM [PHOTOS]

Draws photos, and removes their digits with one process, then with GNU parallel, Spark and Ray on one
worker and on two; then kills a worker of each in the middle. Compares every result with that of one process,
byte for byte, and prints the times. An engine that is not installed is named and skipped.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from archives import members  # noqa: E402

PARTITIONS = 12


def main(program, photos="600"):
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory(prefix="doorplate-scale-") as folder:
        bench(program, int(photos), pathlib.Path(folder))


def bench(program, count, at):
    photos, shards = draw(program, count, at)
    boxes = at / "digitStruct.mat"
    print(f"{count} photos on {os.cpu_count()} cores, {load()}")

    seconds, _ = timed([program, "erase", photos, "--boxes", boxes, "-o", at / "whole", "--jobs", "1"])
    whole = {path.name: digest(path.read_bytes()) for path in (at / "whole").glob("*.png")}
    assert len(whole) == count, f"{len(whole)} results"
    say("one process, files", 1, count, seconds)

    all_in_one = at / "all.tar"
    tar(all_in_one, photos, sorted(path.name for path in photos.iterdir()))
    with open(all_in_one, "rb") as archive, open(at / "erased.tar", "wb") as erased:
        command = [program, "erase", "--tar", "--boxes", boxes, "--jobs", "1"]
        seconds, _ = timed(command, stdin=archive, stdout=erased)
    same(whole, of_archives([at / "erased.tar"]))
    say("one process, --tar", 1, count, seconds)

    engines = {
        "GNU parallel": (parallel, lambda out: of_archives(out.glob("*.tar"))),
        "Spark": (spark, of_rows),
        "Ray Data": (ray, of_rows),
    }
    for name, (start, read) in engines.items():
        if not installed(name):
            print(f"{name} is not installed: skipped")
            continue
        for workers in (1, 2):
            out = at / f"{name}-{workers}"
            seconds, _ = timed(start(program, photos, shards, boxes, out, workers))
            same(whole, read(out))
            say(name, workers, count, seconds)
        out = at / f"{name}-killed"
        command = start(program, photos, shards, boxes, out, 2)
        _, killed = timed(command, kill=name)
        assert killed, "the run was over before a worker could be killed"
        same(whole, read(out))
        print(f"{name}: killed {killed} in the middle; all {count} results are the same")
    left = [line for line in processes() if program in line[2] and "erase" in line[2]]
    assert not left, f"processes are left: {left}"


def draw(program, count, at):
    """A folder of photos with their list beside it, and the same photos in archives."""
    photos = at / "photos"
    subprocess.run(
        [program, "data", "synth", "--photos", str(count), "--out", photos],
        check=True,
        capture_output=True,
    )
    (photos / "digitStruct.mat").rename(at / "digitStruct.mat")
    (photos / "crops_32x32.mat").unlink()
    names = sorted((path.name for path in photos.iterdir()), key=lambda name: int(name[:-4]))
    shards = at / "shards"
    shards.mkdir()
    each = -(-count // PARTITIONS)
    for i in range(PARTITIONS):
        tar(shards / f"{i:03}.tar", photos, names[i * each : (i + 1) * each])
    return photos, shards


def tar(archive, folder, names):
    subprocess.run(
        ["tar", "--create", "--file", archive, "--directory", folder, "--files-from", "-"],
        input="\n".join(names).encode(),
        check=True,
    )


def installed(name):
    if name == "GNU parallel":
        return shutil.which("parallel") is not None
    module = {"Spark": "pyspark", "Ray Data": "ray.data"}[name]
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def parallel(program, _, shards, boxes, out, workers):
    return [HERE / "parallel.sh", program, shards, boxes, out, "--jobs", str(workers)]


def spark(program, photos, _, boxes, out, workers):
    import pyspark

    home = pathlib.Path(pyspark.__file__).parent
    # Each worker is a process of one core and 1 GB, as on a cluster.
    options = ["--master", f"local-cluster[{workers},1,1024]", "--conf", "spark.ui.enabled=false"]
    script = [HERE / "spark.py", program, photos, boxes, out, str(PARTITIONS)]
    environment = [f"SPARK_HOME={home}", f"PYSPARK_PYTHON={sys.executable}"]
    return ["env", *environment, home / "bin/spark-submit", *options, *script]


def ray(program, _, shards, boxes, out, workers):
    return [sys.executable, HERE / "ray_data.py", program, shards, boxes, out, str(workers)]


# What is killed: the process that removes digits, or the one above it whose command line holds this.
WORKERS = {
    "GNU parallel": "erase --tar",
    "Spark": "CoarseGrainedExecutorBackend",
    "Ray Data": "ray::",
}


def timed(command, kill=None, **streams):
    """Runs a command; gives the seconds that it took, and what was killed."""
    started = time.monotonic()
    killed = []
    streams.setdefault("stdout", subprocess.DEVNULL)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([str(part) for part in command], stderr=said, **streams)
        if kill:
            arguments = (process.pid, WORKERS[kill], killed)
            threading.Thread(target=kill_one, args=arguments, daemon=True).start()
        if process.wait() != 0:
            said.seek(0)
            said = said.read().decode(errors="replace")[-4000:]
            raise RuntimeError(f"{command} ended with {process.returncode}:\n{said}")
    return time.monotonic() - started, ", ".join(killed)


def kill_one(ancestor, what, killed):
    """Kills a worker below a process, once half of the parts are done or in work."""
    seen = set()
    while True:
        all_now = processes()
        parents = {pid: parent for pid, parent, _ in all_now}
        commands = {pid: command for pid, _, command in all_now}
        if ancestor not in commands:
            return
        for pid, command in commands.items():
            above = list(those_above(pid, parents))
            if "erase --tar" in command and "bash" not in command and ancestor in above:
                seen.add(pid)
                worker = next((one for one in [pid, *above] if what in commands[one]), None)
                if len(seen) > PARTITIONS // 2 and worker:
                    # In the middle of its photos.
                    time.sleep(0.3)
                    os.kill(worker, signal.SIGKILL)
                    killed.append(commands[worker].split()[0] + " (" + what + ")")
                    return
        time.sleep(0.02)


def those_above(pid, parents):
    while pid in parents:
        pid = parents[pid]
        if pid in parents:
            yield pid


def processes():
    """Number, parent and command line of all processes."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            found.append((int(folder.name), int(parent), command))
        except OSError:
            pass  # It has ended.
    return found


def of_archives(archives):
    """The hashes of the results in archives."""
    results = {}
    for path in archives:
        with open(path, "rb") as archive:
            for name, file in members(archive):
                if name.endswith(".json"):
                    assert json.loads(file).get("error") is None, file
                else:
                    assert name not in results, f"{name} is there twice"
                    results[name] = digest(file)
    return results


def of_rows(folder):
    """The hashes of the results in a Parquet data set."""
    import pyarrow.parquet

    results = {}
    for row in pyarrow.parquet.read_table(folder).to_pylist():
        assert row["name"] not in results, f"{row['name']} is there twice"
        results[row["name"]] = digest(row["result"])
    return results


def same(whole, results):
    assert results.keys() == whole.keys(), f"{len(results)} results of {len(whole)}"
    other = [name for name, hash in whole.items() if results[name] != hash]
    assert not other, f"other bytes: {other[:5]}"


def digest(content):
    return hashlib.sha256(content).hexdigest()


def say(name, workers, count, seconds):
    speed = f"{seconds:6.1f} s {count / seconds:6.1f} photos a second"
    print(f"{name:20} {workers} worker(s) {speed}, {load()}", flush=True)


def load():
    return f"load of the machine {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
