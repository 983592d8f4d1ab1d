"""Holds what a step costs against a budget, in instructions: a figure that a busy machine does not change.

Each workload runs under callgrind (one thread; valgrind has AVX2 but not AVX-512) for two numbers of steps, and the
difference is what the steps cost. More than 5 % above budget.json fails; more than 5 % below asks for a lower budget.

    python3 instructions.py PROGRAM [--write]
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

COUNTS = {"tiny": (50, 150), "predict": (50, 150), "mlp": (4, 10)}
SLACK = 0.05
BUDGET = pathlib.Path(__file__).with_name("budget.json")


def instructions(program, work, count):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, work, str(count)],
            env={**os.environ, "NYALA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"{work}: the program failed under callgrind\n{run.stderr[-2000:]}")
    return int(found[1])


def main():
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return 77
    program, write = sys.argv[1], "--write" in sys.argv[2:]
    measured = {}
    for work, (few, many) in COUNTS.items():
        measured[work] = round((instructions(program, work, many) - instructions(program, work, few)) / (many - few))
    if write:
        BUDGET.write_text(json.dumps(measured, indent=2) + "\n")
        return 0
    budget = json.loads(BUDGET.read_text())
    over = 0
    for work, found in measured.items():
        share = found / budget[work]
        word = "over the budget" if share > 1 + SLACK else "lower the budget" if share < 1 - SLACK else "ok"
        over += share > 1 + SLACK
        print(f"{work}: {found} instructions a step, budget {budget[work]} ({share:.3f}): {word}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
