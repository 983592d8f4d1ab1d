"""Kills a program at random moments while it saves a model again and again, fills its disk, takes its rights: the file
must always be that of a whole save, the last or the one before, and temporary files must not pile up.
usage: crash_saves.py SAVE_PROGRAM [KILLS]
"""

import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time

FORMATS = ".weights.h5", ".h5", ".keras"


def temporaries(folder):
    return [p.name for p in folder.iterdir() if ".tmp" in p.name]


def in_memory():
    """What libhdf5's bookkeeping is written to."""
    return {p.name for p in pathlib.Path("/dev/shm").glob("nyala*")} if os.path.isdir("/dev/shm") else set()


def check(program, path):
    found = subprocess.run([program, "check", str(path)], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        sys.exit(f"{path.name} cannot be read: {found.stdout}{found.stderr}")
    return int(found.stdout)


def kill_saves(program, path, kills):
    """Each start reads what the kill before has left."""
    last, saves = -1, 0
    begin = time.monotonic()
    subprocess.run([program, "once", str(path)], check=True, capture_output=True)
    span = min(0.05, time.monotonic() - begin)
    for number in range(kills):
        process = subprocess.Popen([program, "loop", str(path)], stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        if not line.strip().lstrip("-").isdigit():
            sys.exit(f"{path.name}: after kill {number}: {line}{process.stdout.read()}")
        found = int(line)
        if found < last:
            sys.exit(f"{path.name}: after kill {number} the file went back from save {last} to {found}")
        saves, last = saves + found - last, found
        time.sleep(random.uniform(0.0, span))
        process.kill()
        process.wait()
        if len(temporaries(path.parent)) > 1:
            sys.exit(f"{path.name}: temporary files pile up: {temporaries(path.parent)}")
    return saves


def refused(program, path, reason, what, launcher=(), **arguments):
    """A save that cannot succeed says why and leaves the file and nothing else."""
    before, listing = path.read_bytes() if path.is_file() else None, sorted(os.listdir(path.parent))
    done = subprocess.run([*launcher, program, "once", str(path)], capture_output=True, text=True, check=False,
                          **arguments)
    if done.returncode != 1 or not any(word in done.stdout for word in reason) or path.name not in done.stdout:
        sys.exit(f"{what}, {path.name}: exit code {done.returncode}, said: {done.stdout}{done.stderr}")
    if (path.read_bytes() if path.is_file() else None) != before or sorted(os.listdir(path.parent)) != listing:
        sys.exit(f"{what}, {path.name}: the folder was changed: {sorted(os.listdir(path.parent))}")


def limited(size):
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


def small_disk(program, name, content, skipped):
    """A disk that is full after one and a half files, if one may be mounted here."""
    with tempfile.TemporaryDirectory() as folder:
        size = len(content) * 3 // 2 // 4096 * 4096
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            skipped.append(f"a full disk ({done.stderr.strip() or 'mount is refused'})")
            return
        try:
            path = pathlib.Path(folder, name)
            path.write_bytes(content)
            refused(program, path, ["No space left"], "full disk")
        finally:
            subprocess.run(["umount", folder], check=True)


def no_rights(program, path):
    """A folder that one may not write to. Root may write anywhere unless it lays down its privileges."""
    humbled = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    path.parent.chmod(0o555)
    path.chmod(0o444)
    refused(program, path, ["Permission denied"], "no permission", launcher=humbled)
    path.chmod(0o644)
    path.parent.chmod(0o755)


def main(program, kills="200"):
    seed = random.randrange(2**32)
    random.seed(seed)
    print(f"seed {seed}")
    skipped, saves, before = [], 0, in_memory()
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        for ending in FORMATS:
            folder = pathlib.Path(top, ending)
            folder.mkdir()
            path = folder / ("model" + ending)
            saves += kill_saves(program, path, int(kills) // len(FORMATS) + 1)
            subprocess.run([program, "once", str(path)], check=True, capture_output=True)
            if temporaries(folder):
                sys.exit(f"left behind: {temporaries(folder)}")
            size = path.stat().st_size
            for limit in (0, 1, size // 3, size - 1):
                refused(program, path, ["File too large"], f"limit of {limit} bytes",
                        preexec_fn=limited(limit))
            no_rights(program, path)
            small_disk(program, path.name, path.read_bytes(), skipped)
            (folder / ("folder" + ending)).mkdir()
            refused(program, folder / ("folder" + ending), ["directory", "folder"], "the target is a folder")
            check(program, path)
    if len(in_memory() - before) > 1:  # one may be of a process that works beside this one
        sys.exit(f"left in memory: {in_memory() - before}")
    print(f"{kills} kills during {saves} saves" + "".join(f"; skipped: {what}" for what in skipped))


main(*sys.argv[1:])
