"""The matrix of layers once more with an older Keras 3: what it has, as far as it says it in its files."""

import fcntl
import os
import subprocess
import sys
import tempfile

VERSION = "3.10.0"


def installed(name, packages, *options):
    """The folder that pip installed them into. Ends the test as skipped where pip cannot."""
    folder = os.path.join(os.environ["NYALA_BUILD_DIR"], "older_keras", name + "-" + packages[-1].split("==")[1])
    parent = os.path.dirname(folder)
    os.makedirs(parent, exist_ok=True)
    with open(os.path.join(parent, "lock"), "w", encoding="utf-8") as lock:  # tests may run beside each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder
        with tempfile.TemporaryDirectory(dir=parent) as fresh:
            done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                                   "--no-compile", *options, "--target", os.path.join(fresh, name), *packages],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"skipped: pip cannot install {' '.join(packages)}: {done.stderr.strip()[-300:]}")
                sys.exit(77)
            os.rename(os.path.join(fresh, name), folder)
    return folder


def main():
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "matrix_live.py")
    # The packages that it needs are those of the newer one.
    environment = {**os.environ, "PYTHONPATH": installed("keras", [f"keras=={VERSION}"], "--no-deps")}
    return subprocess.run([sys.executable, "-B", script], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
