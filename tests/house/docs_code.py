"""The code blocks of README.md and docs/*.md compile, and docs/overview.md names every layer, optimizer, loss, metric,
callback, initializer, regularizer and constraint that the public headers declare, and nothing else.

usage: docs_code.py COMPILER PROJECT_FOLDER
"""

import pathlib
import re
import subprocess
import sys

# Bases, which no program makes.
BASES = {"ConfusionMetric", "MeanOfFunction", "RunningMean", "MonitorCallback", "RandomInitializer", "STFT",
         "NamedVarianceScaling", "BestAt", "UnitsCell", "UnitsLayer", "ConvLSTMCell", "InputLayer"}


def classes(folder):
    """Classes that derive from something, templates by the names of their instances."""
    names, headers = set(), [folder] if folder.is_file() else sorted(folder.glob("*.hpp"))
    for header in headers:
        text = header.read_text()
        names |= set(re.findall(r"^using (\w+) = \w+<\d>;", text, re.M))
        templates = set(re.findall(r"^template <[^>]*>\s*class (\w+)", text, re.M))
        derived = re.findall(r"^class (\w+)\s+: public ([\w:<>, ]+)", text, re.M)
        for name, base in derived:
            if name not in templates and (folder.name != "layers" or "LayerOf" in base or "Units" in base):
                names.add(name)
    return names - BASES


def missing_names(project):
    include, page = project / "include/nyala", (project / "docs/overview.md").read_text()
    listed = {name for row in re.findall(r"^\|[^|]+\|([^|]+)\|$", page, re.M)
              for name in re.findall(r"(?<![`:])\b[A-Z]\w+\b(?![`:])", row)}
    declared = set()
    for place in ("layers", "optimizers", "losses", "metrics", "callbacks", "initializers.hpp", "regularizers.hpp",
                  "constraints.hpp", "schedules.hpp"):
        declared |= classes(include / place)
    problems = [f"docs/overview.md does not name {name}" for name in sorted(declared - listed)]
    known = " ".join(p.read_text() for p in include.rglob("*.hpp"))
    return problems + [f"docs/overview.md names {name}, which no header declares" for name in sorted(listed)
                       if not re.search(rf"\b(class|using|struct) {name}\b", known)]


def program(project):
    """All blocks as one program; a block with a main or a class stands by itself in a namespace."""
    includes, bodies = {"#include <nyala/nyala.hpp>"}, []
    for page in [project / "README.md", *sorted((project / "docs").glob("*.md"))]:
        text = page.read_text()
        for match in re.finditer(r"^```cpp\n(.*?)^```", text, re.M | re.S):
            lines = match.group(1).splitlines()
            includes |= {line for line in lines if line.startswith("#include")}
            code = "\n".join(line for line in lines if not line.startswith(("#include", "using namespace")))
            line = text.count("\n", 0, match.start()) + 2
            whole = re.search(r"^(class|int main)", code, re.M)
            alone = f"void run(Tensor x, Tensor y) {{\n{{\n{code}\n}}\n}}"
            inside = code.replace("int main()", "void run()") if whole else alone
            bodies.append(f"namespace block{len(bodies)} {{  // {page.name}:{line}\n{inside}\n}}")
    return "\n".join(sorted(includes)) + "\nusing namespace nyala;\n" + "\n".join(bodies) + "\nint main() {}\n"


def main(compiler, folder):
    project = pathlib.Path(folder)
    problems = missing_names(project)
    print("\n".join(problems))
    compiled = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", f"-I{project / 'include'}", "-x", "c++", "-"],
                              input=program(project), text=True)
    return 1 if problems or compiled.returncode else 0


sys.exit(main(*sys.argv[1:]))
