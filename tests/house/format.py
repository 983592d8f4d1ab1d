"""Every C++ file is as clang-format leaves it. usage: format.py CLANG_FORMAT [--fix]"""

import subprocess
import sys

from tree import CODE, ROOT, files


def main(clang_format, fix):
    # Contract programs are kept as they were handed over.
    sources = [p for p in files((*CODE, "examples", "tests", "benchmarks"), (".hpp", ".cpp"))
               if "contract" not in p.parts]
    if not sources:
        return 0
    mode = ["-i"] if fix else ["--dry-run", "-Werror", "--ferror-limit=5"]
    return subprocess.run([clang_format, *mode, *map(str, sources)], cwd=ROOT).returncode


sys.exit(main(sys.argv[1], "--fix" in sys.argv))
