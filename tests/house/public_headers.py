"""Every public header compiles alone, without a warning, and brings no vendor's header with it.

usage: public_headers.py HEADER_FOLDER COMPILER... (each COMPILER with its own notion of warnings; the first judges all)
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

from tree import report

WARNINGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
VENDORS = re.compile(
    r"(/xtensor|/xtl/|/xsimd/|/nlohmann/|/hdf5|/H5|/oneapi/|/dnnl|/zlib\.h|/libdeflate\.h|/cuda|/omp\.h|/cblas|/src/)")


def compile_alone(compiler, folder, header):
    done = subprocess.run([compiler, *WARNINGS, f"-I{folder}", "-x", "c++", "-fsyntax-only", "-H", "-"],
                          input=f"#include <{header}>\n", capture_output=True, text=True)
    return done, {line.lstrip(". ") for line in done.stderr.splitlines() if re.match(r"\.+ ", line)}


def check(compiler, folder, header, allowed):
    done, opened = compile_alone(compiler, folder, header.relative_to(folder).as_posix())
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line][:3]
        return [f"{header.name} does not compile alone with {compiler}: {' / '.join(errors)}"]
    return [f"{header.name} brings {path}" for path in opened - allowed if VENDORS.search(path)]


def main(folder, compilers):
    folder = pathlib.Path(folder).resolve()
    headers = sorted(folder.rglob("*.hpp"))
    umbrella = [h for h in headers if h.name == "nyala.hpp"]
    jobs = [(compilers[0], h) for h in headers] + [(c, h) for c in compilers[1:] for h in umbrella]
    # The one vendor's header that is allowed, and what it includes itself.
    _, allowed = compile_alone(compilers[0], folder, "xtensor/xtensor_forward.hpp")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: check(job[0], folder, job[1], allowed), jobs))
    print(f"{len(headers)} public headers, compilers: {', '.join(compilers)}")
    return report("public headers", sorted({problem for result in results for problem in result}))


sys.exit(main(sys.argv[1], sys.argv[2:]))
