"""Whether the software GPU's headers have the real ones' numbers and functions, as the compiler sees both.

usage: headers.py COMPILER SOFTWARE_FOLDER REAL_FOLDER...
"""

import pathlib
import re
import subprocess
import sys

# What tells the version that the software GPU plays.
OWN = {"CUDNN_MAJOR", "CUDNN_MINOR", "CUDNN_PATCHLEVEL"}


def numbers(text):
    """name -> the expression that the header gives it, for enumerators and macros"""
    found = {}
    text = re.sub(r"//.*", "", text)
    for enum in re.finditer(r"enum\s+(?:\w+\s*)?\{([^}]*)\}", text):
        following = "0"
        for item in filter(None, map(str.strip, enum[1].split(","))):
            name, _, value = map(str.strip, item.partition("="))
            found[name] = value or following
            following = f"({found[name]}) + 1"
    for macro in re.finditer(r"#define (\w+) (\d+U?)\b", text):
        found[macro[1]] = macro[2]
    return {name: value for name, value in found.items() if name not in OWN}


def functions(text):
    """name, pointer type of each function that the header declares"""
    text = re.sub(r"//.*", "", text)
    for result, name, parameters in re.findall(r"^([\w: ]+\*?) ?\b(cu\w+)\(([^()]*)\);", text, re.MULTILINE):
        yield name, f"{result.strip()} (*)({re.sub(r' = [^,]*', '', parameters)})"


def main(compiler, software, *real):
    problems = 0
    for header in sorted(pathlib.Path(software).glob("*.h")):
        expected, declared = numbers(header.read_text()), list(functions(header.read_text()))
        lines = ["#include <cstddef>", "#include <cstdint>", f"#include <{header.name}>"]
        lines += [f'static_assert((long long)({name}) == (long long)({value}), "{name}");'
                  for name, value in expected.items()]
        lines += [f"auto const of_{name} = static_cast<{pointer}>(&{name});" for name, pointer in declared]
        command = [compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", "-", *(f"-I{folder}" for folder in real)]
        result = subprocess.run(command, input="\n".join(lines), text=True, capture_output=True)
        verdict = "not those of the real one" if result.returncode else "right"
        print(f"{header.name}: {len(expected)} numbers, {len(declared)} functions, {verdict}")
        if result.returncode or not expected or not declared:
            print(result.stderr)
            problems += 1
    return problems


sys.exit(main(*sys.argv[1:]))
