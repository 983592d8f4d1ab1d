"""No object that is compiled for newer processors may define a function that others could come to share.

usage: simd_symbols.py NM LEVEL OBJECT...

Inline functions and templates are weak symbols: of several copies the linker keeps one. If that one came from an
object compiled for AVX-512, a program on an older processor would die of an illegal instruction. So every weak function
of such an object must carry the instruction set in its name: the namespace of the loops, or xsimd's architecture.
"""

import subprocess
import sys

OWN = {"avx2": ("nyala::avx2", "::avx2::", "xsimd::avx", "xsimd::fma3"),
       "avx512": ("nyala::avx512", "::avx512::", "xsimd::avx", "xsimd::fma3"),
       "amx": ()}


def shared_functions(nm, level, path):
    listing = subprocess.run([nm, "-C", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        _, kind, name = line.split(maxsplit=2)
        if kind in "WVu" and not any(own in name for own in OWN[level]) and not name.startswith("DW.ref."):
            yield name


def main(nm, level, objects):
    problems = [f"{path}: {name}" for path in objects for name in shared_functions(nm, level, path)]
    for problem in problems:
        print("a function that generic code may end up calling:", problem)
    return 1 if problems else 0


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
