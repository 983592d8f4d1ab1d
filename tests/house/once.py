"""Runs a command unless the same command passed before on the same inputs.

usage: once.py --stamp FILE --inputs PATH... -- COMMAND...

The stamp is a hash of the command and of every byte under the input paths; it is written only when the command passed.
NYALA_RERUN=1 runs the command in any case.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import time


def files_under(path):
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return [path]


def digest(command, inputs):
    state = hashlib.blake2b()
    state.update(repr(command).encode())
    for name in inputs:
        for file in files_under(pathlib.Path(name)):
            state.update(str(file).encode())
            state.update(file.read_bytes() if file.exists() else b"absent")
    return state.hexdigest()


def main(arguments):
    split = arguments.index("--")
    stamp = pathlib.Path(arguments[1])
    inputs, command = arguments[3:split], arguments[split + 1 :]
    key = digest(command, inputs)
    if stamp.exists() and stamp.read_text() == key and not os.environ.get("NYALA_RERUN"):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(stamp.stat().st_mtime))
        print(f"passed at {when}; nothing that it depends on has changed since (NYALA_RERUN=1 runs it again)")
        return 0
    stamp.unlink(missing_ok=True)
    result = subprocess.run(command).returncode
    if result == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
    return result if result >= 0 else 128 - result


sys.exit(main(sys.argv[1:]))
