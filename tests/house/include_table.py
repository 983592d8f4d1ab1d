"""Holds every #include of the library against the include table of DESIGN.md (the layers of the architecture).

Each folder says what it may include; all else is a violation. Headers are sorted into kinds: "std", "public" (nyala/),
"catalogue" (nyala/layers/... and the like), a folder under src such as "src/ops", or the name of a vendor.
"""

import re
import sys

from tree import CATALOGUE, CODE, ROOT, files, report

VENDORS = {
    "xtensor_forward": r"xtensor/xtensor_forward\.hpp",
    "xtensor": r"(xtensor|xtensor-blas|xtl|xflens)/",
    "xsimd": r"xsimd/",
    "blas": r"(cblas|lapacke?)\.h",
    "onednn": r"(oneapi/|dnnl)",
    "openmp": r"omp\.h",
    "hdf5": r"(hdf5|H5\w+)\.h",
    "libdeflate": r"libdeflate\.h",
    "zlib": r"zlib\.h",
    "json": r"nlohmann/",
    "cuda": r"(cuda_runtime|cublasLt|cudnn)\.h",
    "cccl": r"(thrust|cub)/",
    "doctest": r"doctest/",
}
STD = re.compile(r"([a-z0-9_]+|(sys/|linux/|sanitizer/)?[a-z0-9_]+\.h)$")

OPS = {"std", "public", "src/core", "src/autograd", "src/ops", "src/backend", "src/backend/common"}
ABOVE = {"std", "public", "src/core", "src/autograd", "src/ops", "src/model", "src/data", "src/saving"}
CPU = {"std", "public", "src/core", "src/backend", "src/backend/common", "src/backend/cpu", "openmp"}

# The longest folder that a file lies in decides. "src/backend" as a target is its own files: kernels.hpp.
TABLE = {
    "include/nyala": {"std", "public", "catalogue", "xtensor_forward"},
    "src/core": {"std", "public", "src/core", "openmp"},
    "src/backend": {"std", "public", "src/core", "src/backend", "src/backend/common", "src/backend/cpu",
                    "src/backend/cpu/simd"},
    "src/backend/common": {"std", "public", "src/core", "src/backend", "src/backend/common"},
    "src/backend/cpu": CPU | {"xtensor", "xtensor_forward", "xsimd", "blas", "src/backend/cpu/simd"},
    "src/backend/cpu/simd": CPU | {"xsimd", "src/backend/cpu/simd"},
    "src/backend/cpu/onednn": CPU | {"onednn", "src/backend/cpu/onednn", "src/backend/cpu/simd"},
    "src/backend/cuda": {"std", "public", "src/core", "src/backend", "src/backend/common", "src/backend/cuda",
                         "src/backend/cuda/nvcc", "cuda"},
    # What only nvcc understands; the software GPU (tests/softgpu) has its own files of these names.
    "src/backend/cuda/nvcc": {"std", "public", "src/core", "src/backend", "src/backend/cuda", "src/backend/cuda/nvcc",
                              "cuda", "cccl"},
    "src/autograd": OPS - {"src/ops"},
    "src/ops": OPS,
    "src/model": ABOVE | {"json"},
    "src/data": ABOVE | {"zlib"},
    "src/saving": ABOVE | {"hdf5", "libdeflate", "json"},
    "src/tools": {"std", "public", "src/core", "src/backend"},
    "src": {"std", "public", "catalogue"},
    # What its entries share may stand beside them; never another folder of the catalogue.
    **{folder: {"std", "public", "catalogue", folder} for folder in CATALOGUE},
    "examples": {"std", "public", "xtensor"},
}

# Two entries of the catalogue belong to the mechanism: what starts every graph, and what every loss is averaged with.
MECHANISM = {("src/model", "nyala/layers/input_layer.hpp"), ("src/saving", "nyala/layers/input_layer.hpp"),
             ("src/model", "nyala/metrics/mean.hpp")}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def kind_of(header, includer):
    """The kind of a header named in an #include of the file `includer` (a path relative to the root)."""
    if header.startswith("nyala/"):
        return "catalogue" if header.split("/")[1] in CATALOGUE else "public"
    for base in (ROOT / includer).parent, ROOT / "src", ROOT / "src/backend/cuda/nvcc", ROOT:
        target = (base / header).resolve()
        if target.is_file() and target.is_relative_to(ROOT):
            parts = target.relative_to(ROOT).parent.as_posix()
            return "public" if parts.startswith("include/nyala") else folder_of(parts)
    for vendor, pattern in VENDORS.items():
        if re.match(pattern, header):
            return vendor
    return "std" if STD.match(header) else "unknown"


def folder_of(path):
    """The longest row of the table that the path lies in, or its first folder."""
    rows = [row for row in TABLE if path == row or path.startswith(row + "/")]
    return max(rows, key=len) if rows else path.split("/")[0]


def violation(includer, header):
    row = folder_of(includer)
    kind = kind_of(header, includer)
    if row not in TABLE or kind in TABLE[row] or (row, header) in MECHANISM:
        return None
    if includer.startswith("src/backend/cpu/no_onednn/") and kind == "src/backend/cpu/onednn":
        return None
    return f"{includer} includes {header} ({kind}); {row} may include {', '.join(sorted(TABLE[row]))}"


def check_the_checker():
    """The checker itself must accept and refuse: a table that lets all pass would go unnoticed otherwise."""
    for includer, header in [("layers/dense.cpp", "nyala/tensor.hpp"), ("src/ops/math.cpp", "cmath"),
                             ("src/saving/store.cpp", "hdf5.h"), ("include/nyala/x.hpp", "xtensor/xtensor_forward.hpp"),
                             ("examples/mnist.cpp", "xtensor/xarray.hpp"), ("src/core/a.cpp", "sys/mman.h")]:
        assert violation(includer, header) is None, (includer, header)
    for includer, header in [("layers/dense.cpp", "nlohmann/json.hpp"), ("include/nyala/x.hpp", "xtensor/xarray.hpp"),
                             ("src/ops/math.cpp", "oneapi/dnnl/dnnl.hpp"), ("src/model/fit.cpp", "hdf5.h"),
                             ("src/backend/cpu/simd/a.simd.cpp", "xtensor/xarray.hpp"),
                             ("include/nyala/x.hpp", "omp.h"), ("src/model/fit.cpp", "nyala/layers/dense.hpp"),
                             ("examples/mnist.cpp", "doctest/doctest.h")]:
        assert violation(includer, header) is not None, (includer, header)


def main():
    check_the_checker()
    problems = []
    for path in files((*CODE, "examples"), (".hpp", ".cpp", ".cu", ".cuh")):
        includer = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            problem = found and violation(includer, found[2])
            if problem:
                problems.append(f"line {number}: {problem}")
    return report("include table", problems)


sys.exit(main())
