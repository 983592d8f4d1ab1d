"""usage: doctor.py STATUS:TEXT[:TEXT...] PROGRAM ARGUMENTS...

Runs it and looks for its exit code ("any": 0 or 1) and texts."""

import subprocess
import sys


def main(expected, *command):
    status, *texts = expected.split(":")
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    missing = [text for text in texts if text not in done.stdout]
    as_expected = done.returncode in (0, 1) if status == "any" else str(done.returncode) == status
    if not as_expected or missing:
        sys.exit(f"exit code {done.returncode}, expected {status}; missing: {missing}")


main(*sys.argv[1:])
