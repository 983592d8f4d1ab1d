"""By hand: Nyala against what Keras' own tests call, as keras_tests_record.py made files of it.

usage: NYALA_BUILD_DIR=build/release python keras_tests.py FOLDER [PATTERN]

Each file is loaded, its weights, outputs, dtypes and config compared, saved again, and read back by Keras. What fails
is listed in groups; left out are files that Keras itself cannot read or reads as something else. Build the tool with
`ninja keras_tests_tool`. What stays: Python functions, complex numbers, lengths that hang on values, custom classes of
the tests, inputs for which nothing is defined."""

import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("KERAS_BACKEND", "numpy")
import keras
import numpy as np

TOOL = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "keras_tests_tool")
# What Nyala keeps and Keras' backends make narrow.
NARROW = {("int64", "int32"), ("float64", "float32"), ("uint64", "uint32")}


def verdicts(folder, names, entries):
    """What the tool says of each file; a crash counts against the file at hand, and the rest follows."""
    told, todo = {}, list(names)
    while todo:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as cases:
            for name in todo:
                entry = entries[name]
                print(os.path.join(folder, name), entry["inputs"], entry["outputs"], entry["weights"],
                      int(entry["random"]), file=cases)
        run = subprocess.run([TOOL, cases.name], capture_output=True, text=True, errors="replace", check=False)
        os.unlink(cases.name)
        last = None
        for line in run.stdout.splitlines():
            path, suffix, verdict = (line.split("\t", 2) + ["", ""])[:3]
            last = os.path.basename(path)
            told[last, suffix] = verdict or f"the tool ended with {run.returncode}"
        if run.returncode == 0 or last is None:
            break
        told[last, "crash"] = f"the tool ended with {run.returncode}"
        todo = todo[todo.index(last) + 1:]
    return told


def excused(entry, suffix, verdict):
    state = next((form for form in entry["formats"] if form.split("!")[0] == suffix), suffix)
    dtype = re.match(r"output (\d+): dtype (\S+) for (\S+) *(.*)", verdict)
    if dtype and not dtype[4] and ((dtype[2], dtype[3]) in NARROW or entry["dtypes"][int(dtype[1])] == dtype[2]):
        return True
    return "!load" in state or "!" in state and verdict.startswith("output")


def predicted(path, inputs):
    model = keras.saving.load_model(path, compile=False)
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(keras.ops.convert_to_numpy(x), "float64") for x in keras.tree.flatten(outputs)]


def read_back(folder, entry):
    """What Keras makes of the files that Nyala wrote; "" where it is the same."""
    base = os.path.join(folder, entry["name"])
    files = sorted(glob.glob(base + "/in*.npy"), key=lambda path: int(re.findall(r"\d+", path)[-1]))
    inputs = [np.load(path) for path in files]
    for suffix in ("keras", "h5"):
        if suffix not in entry["formats"] or not os.path.exists(f"{base}/again.{suffix}"):
            continue
        try:
            theirs = predicted(f"{base}/model.{suffix}", inputs)
        except Exception:
            continue
        try:
            mine = predicted(f"{base}/again.{suffix}", inputs)
        except Exception as error:
            return f"again.{suffix}: " + str(error).replace("\n", " ")[-200:]
        if not entry["random"] and not all(np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
                                           for a, b in zip(mine, theirs, strict=True)):
            return f"again.{suffix}: other outputs in Keras"
    return ""


def main():
    warnings.simplefilter("ignore")
    folder, pattern = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    with open(os.path.join(folder, "index.jsonl"), encoding="utf-8") as lines:
        entries = {entry["name"]: entry for entry in map(json.loads, lines)}
    names = [name for name, entry in entries.items() if re.search(pattern, name) and
             entry["data_format"] == "channels_last" and any("!" not in form for form in entry["formats"])]
    told = verdicts(folder, names, entries)
    failures = [(name, suffix, verdict) for (name, suffix), verdict in told.items()
                if verdict != "ok" and not excused(entries[name], suffix, verdict)]
    failures += [(name, "again", wrong) for name in names if (wrong := read_back(folder, entries[name]))]
    groups = collections.defaultdict(list)
    for name, suffix, verdict in failures:
        groups[name.rsplit("_", 1)[0], re.sub(r'[\d.]+|"[^"]*"', "#", verdict)[:70]].append((name, suffix, verdict))
    for _, group in sorted(groups.items()):
        name, suffix, verdict = group[0]
        print(f"{len(group):4d} {name} .{suffix} [{entries[name]['test'].split('::')[-1]}] {verdict[:240]}")
    print(f"{len(names)} models, {len(told)} files, {len(failures)} failures in {len(groups)} groups")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
