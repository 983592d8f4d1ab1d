"""Builds a project as a stranger would, in a folder of its own, and runs one of its programs.

usage: build_and_run.py PROJECT WORK TARGET [--expect REGEX] [--between LOW HIGH] [--argument A]...
                        [--fails REGEX] [--ends CODE] [--npy FILE ROWS COLUMNS] [--written FILE]... [--build-only]
                        [-- CMAKE_ARGS...]

PROJECT is copied to WORK (which may have spaces in it), so that nothing of this checkout is found by accident. --expect
is searched in what the program prints; --between holds the number that its first group matched. The program gets every
--argument; with --fails it must end badly and say so, with --ends it must end with that
code. --npy makes an input for it, --written names what it must leave behind.
"""

import argparse
import pathlib
import re
import shutil
import struct
import subprocess
import sys


def copy_changed(project, work):
    """Copies the project; files that are as they were keep their time stamps, so that nothing is built again."""
    work.mkdir(parents=True, exist_ok=True)
    for file in sorted(project.iterdir()):
        text = file.read_text()
        target = work / file.name
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


def write_npy(path, rows, columns):
    """float32 values from 0 to 1, in version 1.0 of NumPy's format."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    count = rows * columns
    values = struct.pack(f"<{count}f", *(i / count for i in range(count)))
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values)


def check_output(output, expect, between):
    found = re.search(expect, output)
    if not found:
        sys.exit(f"expected to read {expect!r}")
    if between and not between[0] <= float(found[1]) <= between[1]:
        sys.exit(f"{found[1]} is not between {between[0]} and {between[1]}")


def main():
    own, cmake_arguments = sys.argv[1:], []
    if "--" in own:
        split = own.index("--")
        own, cmake_arguments = own[:split], own[split + 1 :]
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("target")
    parser.add_argument("--expect")
    parser.add_argument("--between", nargs=2, type=float)
    parser.add_argument("--argument", action="append", default=[])
    parser.add_argument("--fails")
    parser.add_argument("--ends", type=int, default=0)
    parser.add_argument("--npy", nargs=3)
    parser.add_argument("--written", action="append", default=[])
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args(own)

    source, build = options.work / "source", options.work / "build"
    copy_changed(options.project, source)
    subprocess.run(["cmake", "-S", source, "-B", build, "-G", "Ninja", *cmake_arguments], check=True)
    subprocess.run(["cmake", "--build", build, "--target", options.target], check=True)
    if options.build_only:
        return
    run = options.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    if options.npy:
        write_npy(run / options.npy[0], int(options.npy[1]), int(options.npy[2]))
    command = [(build / options.target).resolve(), *options.argument]
    done = subprocess.run(command, cwd=run, capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="")
    if options.fails:
        if done.returncode == 0 or not re.search(options.fails, done.stderr):
            sys.exit(f"{options.target} should have failed with {options.fails!r}, and ended with {done.returncode}")
        return
    if done.returncode != options.ends:
        sys.exit(f"{options.target} ended with {done.returncode} instead of {options.ends}")
    for name in options.written:
        if not (run / name).stat().st_size:
            sys.exit(f"{name} is empty")
    if options.expect:
        check_output(done.stdout, options.expect, options.between)


main()
