"""Runs a compile command and keeps what ptxas says about kernels in OBJECT.ptxas, out of the build's log.

usage: keep_ptxas.py OBJECT COMMAND...
"""

import pathlib
import re
import subprocess
import sys

ABOUT_KERNELS = re.compile(r"ptxas info\s*:|\s+\d+ bytes stack frame")


def main(target, command):
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    lines = result.stderr.splitlines()
    kept = [line for line in lines if ABOUT_KERNELS.match(line)]
    record = pathlib.Path(f"{target}.ptxas")
    record.unlink(missing_ok=True)
    if kept:
        record.write_text("\n".join(kept) + "\n")
    rest = [line for line in lines if not ABOUT_KERNELS.match(line)]
    if rest:
        print("\n".join(rest), file=sys.stderr)
    return result.returncode


sys.exit(main(sys.argv[1], sys.argv[2:]))
