"""What the house checks have in common: the root of the checkout and its source files."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOGUE = ("layers", "optimizers", "losses", "metrics", "callbacks")
CODE = ("include", "src", *CATALOGUE)


def files(folders, suffixes):
    """Files below the folders (relative to the root) that end in one of the suffixes, sorted."""
    found = []
    for folder in folders:
        found += (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.name.endswith(suffixes))
    return sorted(p for p in found if "__pycache__" not in p.parts)


def report(name, problems):
    """Prints the problems and gives the exit code."""
    for problem in problems:
        print(f"{name}: {problem}")
    print(f"{name}: {len(problems)} problem(s)")
    return 1 if problems else 0
