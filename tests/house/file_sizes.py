"""Small files, few preprocessor conditionals, short lines, nothing left open."""

import re
import statistics
import sys

from tree import CODE, ROOT, files, report

CPP = (".hpp", ".cpp", ".cu", ".cuh", ".h")
MEDIAN, NOTICE, LIMIT, WIDTH, CONDITIONALS = 150, 400, 800, 120, 10
CONDITIONAL = re.compile(r"^\s*#\s*if")
LEFT_OPEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def main():
    code = files(CODE, CPP)
    everything = files((*CODE, "examples", "tests", "benchmarks", "cmake", "scripts"), (*CPP, ".py", ".cmake", ".txt"))
    everything = [p for p in everything if "contract" not in p.parts and "golden" not in p.parts]
    problems, conditionals = [], []
    for path in everything:
        name = path.relative_to(ROOT)
        lines = path.read_text().splitlines()
        if len(lines) > LIMIT:
            problems.append(f"{name} has {len(lines)} lines; no file has more than {LIMIT}")
        elif len(lines) > NOTICE:
            print(f"second look: {name} has {len(lines)} lines")
        for number, line in enumerate(lines, 1):
            if len(line) > WIDTH:
                problems.append(f"{name}:{number} is {len(line)} characters wide; the limit is {WIDTH}")
            if LEFT_OPEN.search(line):
                problems.append(f"{name}:{number} leaves something open: {line.strip()}")
            if CONDITIONAL.match(line) and path in code:
                conditionals.append(f"{name}:{number}: {line.strip()}")
                if name.parts[0] == "include":
                    problems.append(f"{name}:{number}: public headers have no preprocessor conditionals")
    if len(conditionals) > CONDITIONALS:
        problems.append(f"{len(conditionals)} preprocessor conditionals; {CONDITIONALS} are allowed:")
        problems += conditionals
    if code:
        median = statistics.median(len(p.read_text().splitlines()) for p in code)
        print(f"{len(code)} files of the library, median {median:g} lines, {len(conditionals)} conditionals")
        if median >= MEDIAN:
            problems.append(f"the median file has {median:g} lines; it must stay below {MEDIAN}")
    return report("file sizes", problems)


sys.exit(main())
