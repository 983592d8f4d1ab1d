"""usage: doctor.py STATUS:TEXT[:TEXT...] PROGRAM ARGUMENTS... - runs it and looks for its exit code and texts."""

import subprocess
import sys


def main(expected, *command):
    status, *texts = expected.split(":")
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    missing = [text for text in texts if text not in done.stdout]
    if str(done.returncode) != status or missing:
        sys.exit(f"exit code {done.returncode}, expected {status}; missing: {missing}")


main(*sys.argv[1:])
