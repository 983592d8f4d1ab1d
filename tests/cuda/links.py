"""libnyala knows nothing of CUDA; the module needs exactly CUDA's runtime, cuBLASLt and cuDNN, and no driver to load.

usage: links.py LIBNYALA MODULE
"""

import re
import subprocess
import sys

NVIDIA = re.compile(r"lib(cu|nv|nccl)")
WANTED = {"libcudart", "libcublasLt", "libcudnn"}


def needed(library):
    text = subprocess.run(["readelf", "-dW", library], check=True, capture_output=True, text=True).stdout
    names = re.findall(r"\(NEEDED\).*\[(.+?)\]", text)
    return {name.split(".so")[0] for name in names if NVIDIA.match(name)}


def main(core, module):
    problems = []
    if needed(core):
        problems.append(f"{core} links {', '.join(sorted(needed(core)))}: only the module may")
    if needed(module) != WANTED:
        problems.append(f"{module} links {', '.join(sorted(needed(module)))}, not {', '.join(sorted(WANTED))}")
    print("\n".join(problems) or f"the module links {', '.join(sorted(WANTED))}; libnyala links none of them")
    return bool(problems)


sys.exit(main(*sys.argv[1:]))
