"""Compares what ptxas reports of the module's kernels with registers.json, [registers, spilled bytes] of the main ones.

In the source files that the record knows no kernel may spill more than is recorded for it, and unrecorded ones not at
all; the recorded ones may not take more registers than recorded. Registers differ from compiler to compiler: they are
compared when the toolkit is the one of the record.

usage: registers.py BUILD TOOLKIT ARCHITECTURES [--update]
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

RECORD = pathlib.Path(__file__).with_name("registers.json")
# One of a family is enough: where work per element is heaviest, and what every network runs.
MAIN = re.compile(r"Softmax|CrossentropyB|BackwardElement<float>|NormalizeElement<float>|MaxPool|AveragePool|"
                  r"StepBack<float|LstmState<float|GruState<float|Adam|Dropout|Gather|Sums<double>|Columns<float>")


def entries(build):
    """(architecture, source file, mangled name) -> registers, spilled bytes"""
    found = {}
    for file in pathlib.Path(build).rglob("*.ptxas"):
        source = file.name.split(".")[0]
        entry, spilled = None, 0
        for line in file.read_text().splitlines():
            if compiling := re.search(r"Compiling entry function '(\S+)' for '(sm_\w+)'", line):
                entry = (compiling[2], source, compiling[1])
            elif spills := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
                spilled = int(spills[1]) + int(spills[2])
            elif (used := re.search(r"Used (\d+) registers", line)) and entry:
                found[entry] = (int(used[1]), spilled)
                entry, spilled = None, 0
    return found


def readable(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    cleaned = []
    for name in text.splitlines():
        # An anonymous namespace carries the file's name and a hash, which changes with the place of the checkout.
        name = re.sub(r"\(anonymous namespace\)::|_NV_ANON_NAMESPACE::|_GLOBAL__N__\w+::", "", name)
        name = re.sub(r"_INTERNAL_\w+::", "", name).replace("nyala::backend::cuda::", "").replace("kernel::", "")
        cleaned.append(re.sub(r"\(.*\)$", "", name.removeprefix("void ")).replace("> >", ">>"))
    return cleaned


def report(build):
    found = entries(build)
    names = readable([mangled for _, _, mangled in found])
    by_architecture = collections.defaultdict(dict)
    for ((architecture, source, _), used), name in zip(found.items(), names):
        name = f"{source}: {name}"
        before = by_architecture[architecture].get(name, (0, 0))
        by_architecture[architecture][name] = (max(before[0], used[0]), max(before[1], used[1]))
    return by_architecture


def update(kernels, toolkit):
    lines = []
    for architecture, named in sorted(kernels.items()):
        kept = sorted((name, used) for name, used in named.items() if MAIN.search(name) or used[1] > 0)
        entries = ",\n".join(f"   {json.dumps(name)}: {json.dumps(used)}" for name, used in kept)
        lines.append(f"  {json.dumps(architecture)}: {{\n{entries}\n  }}")
    body = ",\n".join(lines)
    RECORD.write_text(f'{{\n "toolkit": {json.dumps(toolkit)},\n "kernels": {{\n{body}\n }}\n}}\n')


def compare(kernels, toolkit, architectures):
    record = json.loads(RECORD.read_text())
    same_compiler = record["toolkit"].split(".")[:2] == toolkit.split(".")[:2]
    problems = [f"no kernel was reported for {a}" for a in architectures if a not in kernels]
    for architecture, named in kernels.items():
        recorded = record["kernels"].get(architecture, {})
        sources = {name.split(":")[0] for name in recorded}
        for name, (registers, spilled) in named.items():
            if name.split(":")[0] not in sources:
                continue
            allowed = recorded.get(name, [255, 0])
            for what, got, limit in (("bytes spilled", spilled, allowed[1]),
                                     ("registers", registers, allowed[0] if same_compiler else 255)):
                if got > limit:
                    problems.append(f"{architecture} {name}: {got} {what}, recorded are {limit}")
        if same_compiler:
            problems += [f"{architecture} {name} is recorded and gone" for name in recorded if name not in named]
    return problems


def main(build, toolkit, architectures, *options):
    kernels = report(build)
    if "--update" in options:
        update(kernels, toolkit)
    problems = compare(kernels, toolkit, [f"sm_{a}" for a in architectures.split(";")])
    for problem in problems:
        print(problem)
    print(f"{sum(map(len, kernels.values()))} kernels, {len(problems)} problem(s)")
    if problems:
        print("If that is right, write it down: registers.py with --update as a last argument.")
    return bool(problems)


sys.exit(main(*sys.argv[1:]))
