"""Kills a training at random points and starts it again until it is done: the end must be that of a training that
nobody disturbed and that made no backups, byte for byte. usage: crash_training.py TRAIN_PROGRAM [KILLS]
"""

import pathlib
import random
import subprocess
import sys
import tempfile
import time

RESULTS = "result", "log.csv", "best.weights.h5"


def start(program, folder, data, backup):
    process = subprocess.Popen([program, str(folder), data, backup], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if line != "ready\n":
        sys.exit(f"{data}, {backup}: {line}{process.stdout.read()}")
    return process


def finish(process, what):
    rest = process.stdout.read()
    if process.wait() != 0 or "done" not in rest:
        sys.exit(f"{what}: exit code {process.returncode}: {rest}")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in RESULTS}


def killed_until_done(program, folder, data, backup, span):
    """How often the training was killed before it came through."""
    kills = 0
    while True:
        process = start(program, folder, data, backup)
        time.sleep(random.uniform(0.0, span))
        process.kill()
        rest = process.stdout.read()
        process.wait()
        if "done" in rest:
            return kills
        if rest:
            sys.exit(f"{data}, {backup}: after {kills} kills: {rest}")
        kills += 1


def main(program, kills="50"):
    seed = random.randrange(2**32)
    random.seed(seed)
    print(f"seed {seed}")
    counts = {}
    with tempfile.TemporaryDirectory() as top:
        expected = {}
        for data in ("arrays", "dataset", "lazy"):
            folder = pathlib.Path(top, data)
            folder.mkdir()
            finish(start(program, folder, data, "none"), data)
            expected[data] = contents(folder)
        variants = [(data, backup) for data in expected for backup in ("1", "3", "epoch", "2d")]
        number = 0
        while sum(counts.values()) < int(kills) or number < len(variants):
            data, backup = variants[number % len(variants)]
            number += 1
            timed = pathlib.Path(top, f"timed{number}")
            timed.mkdir()
            process = start(program, timed, data, backup)
            begin = time.monotonic()
            finish(process, f"{data}, {backup}")
            span = time.monotonic() - begin
            folder = pathlib.Path(top, str(number))
            folder.mkdir()
            kills_here = killed_until_done(program, folder, data, backup, span)
            counts[data, backup] = counts.get((data, backup), 0) + kills_here
            for where in (timed, folder):
                found = contents(where)
                for name in RESULTS:
                    if found[name] != expected[data][name]:
                        sys.exit(f"{data}, backup {backup}: {name} differs ({where.name}, seed {seed})")
                left = sorted(p.name for p in where.iterdir())
                if left != sorted(RESULTS):
                    sys.exit(f"{data}, backup {backup}: left behind: {left}")
    print(f"{sum(counts.values())} kills in {number} trainings: " +
          ", ".join(f"{d}/{b} {c}" for (d, b), c in sorted(counts.items())))


main(*sys.argv[1:])
