"""Every public header compiles alone, without a warning, and brings no vendor's header with it.

usage: public_headers.py HEADER_FOLDER COMPILER... (each COMPILER with its own notion of warnings; the first judges all)
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

from tree import report

WARNINGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
VENDORS = re.compile(
    r"(/xtensor|/xtl/|/xsimd/|/nlohmann/|/hdf5|/H5|/oneapi/|/dnnl|/zlib\.h|/libdeflate\.h|/cuda|/omp\.h|/cblas|/src/)")


# Most headers bring one of these. That one, known to compile alone, is read from a precompiled form before them: what
# is declared before a header's own lines is the same, and most parsing is saved.
COMMON = ["nyala/layer.hpp", "nyala/optimizer.hpp", "nyala/tensor.hpp"]


def brought(folder, name, seen):
    """Adds the names of Nyala's own headers that the named one brings, itself among them."""
    if name not in seen:
        seen.add(name)
        for other in re.findall(r"^#include <(nyala/[^>]+)>", (folder / name).read_text(), re.MULTILINE):
            brought(folder, other, seen)
    return seen


def compile_alone(compiler, folder, header, before=None):
    done = subprocess.run([compiler, *WARNINGS, *(["-include", before] if before else []), f"-I{folder}", "-x", "c++",
                           "-fsyntax-only", "-H", "-"], input=f"#include <{header}>\n", capture_output=True, text=True)
    return done, {line.lstrip(". ") for line in done.stderr.splitlines() if re.match(r"\.+ ", line)}


def form(precompiled, name):
    return pathlib.Path(precompiled, name.replace("/", "-"))


def precompile(compiler, folder, name, precompiled):
    wrapper = form(precompiled, name)
    wrapper.write_text(f"#include <{name}>\n")
    subprocess.run([compiler, *WARNINGS, f"-I{folder}", "-x", "c++-header", wrapper, "-o", f"{wrapper}.gch"],
                   check=True)


def check(compiler, folder, header, allowed, precompiled):
    name = header.relative_to(folder).as_posix()
    others = brought(folder, name, set()) - {name}
    common = next((each for each in COMMON if precompiled and each in others), None)
    before = form(precompiled, common) if common else None
    done, opened = compile_alone(compiler, folder, name, before)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line][:3]
        return [f"{header.name} does not compile alone with {compiler}: {' / '.join(errors)}"]
    return [f"{header.name} brings {path}" for path in opened - allowed if VENDORS.search(path)]


def main(folder, compilers):
    folder = pathlib.Path(folder).resolve()
    headers = sorted(folder.rglob("*.hpp"))
    umbrella = [h for h in headers if h.name == "nyala.hpp"]
    # The one vendor's header that is allowed, and what it includes itself.
    _, allowed = compile_alone(compilers[0], folder, "xtensor/xtensor_forward.hpp")
    with tempfile.TemporaryDirectory() as precompiled, concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: precompile(compilers[0], folder, name, precompiled), COMMON))
        jobs = [(compilers[0], h, precompiled) for h in headers if h not in umbrella]
        jobs += [(c, h, None) for c in compilers for h in umbrella]
        results = list(pool.map(lambda job: check(job[0], folder, job[1], allowed, job[2]), jobs))
    print(f"{len(headers)} public headers, compilers: {', '.join(compilers)}")
    return report("public headers", sorted({problem for result in results for problem in result}))


sys.exit(main(sys.argv[1], sys.argv[2:]))
