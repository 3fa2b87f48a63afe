"""Pipes photos through `doorplate erase --tar`. Spark and Ray send this file to their workers."""

import io
import json
import subprocess
import tarfile
import threading

# Everything was written; but some photos failed (6), or may still show something of a digit (7). Each
# photo's record says so. Any other end is the engine's to repeat.
DONE = (0, 6, 7)


def erase(program, photos, options=()):
    """Removes the digits from photos: takes and gives names and files, one after the other.

    `photos` are pairs of a name and bytes; box files may lie beside them, before or behind their photo.
    What comes are triples: name, bytes of the result (none if the photo failed), and its record, a JSON text.
    """
    process = subprocess.Popen(
        [program, "erase", "--tar", "--jobs", "1", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    faults, said = [], []
    threads = [
        threading.Thread(target=feed, args=(process.stdin, photos, faults), daemon=True),
        threading.Thread(target=lambda: said.append(process.stderr.read()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        result = None
        for name, file in members(process.stdout):
            if not name.endswith(".json"):
                result = file
                continue
            # The record's name may be a hash, and a result's another than its photo's.
            yield json.loads(file)["photo"], result, file.decode()
            result = None
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
        if process.wait() not in DONE:
            said = b"".join(said).decode(errors="replace")
            raise RuntimeError(f"doorplate ended with {process.returncode}: {said[-2000:]}")
    finally:
        # If it has not ended by itself, whoever took the results wanted no more.
        process.kill()
        process.wait()


def feed(pipe, photos, faults):
    """Writes photos as an archive. If they end in a fault, the archive has no end mark."""
    try:
        archive = tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT)
        for name, file in photos:
            member = tarfile.TarInfo(name)
            member.size = len(file)
            archive.addfile(member, io.BytesIO(file))
        archive.close()
        pipe.close()
    except BrokenPipeError:
        pass  # It has ended, and its exit code says why.
    except Exception as fault:
        faults.append(fault)
        pipe.close()


def members(pipe):
    """The members of an archive that is being written, each with its content."""
    try:
        with tarfile.open(fileobj=pipe, mode="r|") as archive:
            for member in archive:
                yield member.name, archive.extractfile(member).read()
    except tarfile.ReadError:
        pass  # Nothing came; the exit code says why.
