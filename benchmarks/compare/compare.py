"""Nyala beside Keras and PyTorch, on this machine, in one run: makes docs/performance.md.

    python3 benchmarks/compare/compare.py [--rounds 5] [--works tiny mlp ...] [--peers torch keras-jax ...]

Builds nyala_bench, makes a venv with the peers (several GB: PyPI's torch brings CUDA along) and runs every (peer,
workload) in a process of its own, the sides in turn, round after round. Only ratios within one run mean something, and
only on a machine that does nothing else: the load before the run is written beside them. A peer that cannot be
installed or does not know a workload is left out, and said so.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKS = ["tiny", "mlp", "cnn", "resnet", "lstm", "transformer", "p1-mlp", "p1-cnn", "pn-cnn", "start"]
PEERS = ["torch", "torch-cl", "torch-compile", "keras-jax", "keras-tf"]
PACKAGES = ["torch", "keras", "jax", "tensorflow-cpu", "numpy"]
OTHERS = ["gru", "bilstm", "conv1d", "mobile", "unet", "encoder", "text", "deep", "wide", "autoencoder"]
CONVOLUTIONS = {"cnn", "resnet", "p1-cnn", "pn-cnn", "mobile", "unet"}
# Which figure of a workload is compared, and whether more of it is better.
FIGURES = {"tiny": ("epoch_us", False), "p1-mlp": ("call_ms", False), "p1-cnn": ("call_ms", False),
           "start": ("ms", False)}
CRIPPLING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def figure(work):
    return FIGURES.get(work, ("samples_per_s", True))


def run(command, environment=None, timeout=900):
    """The JSON line that a side prints, or None with the reason."""
    env = {k: v for k, v in os.environ.items() if k not in CRIPPLING}
    env.update(environment or {})
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {timeout} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        return None, (done.stderr.strip().splitlines() or ["no output"])[-1][:200]
    return json.loads(lines[-1]), None


def make_venv(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    for package in PACKAGES:
        module = {"tensorflow-cpu": "tensorflow"}.get(package, package)
        test = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
        known = subprocess.run([python, "-c", test])
        if known.returncode != 0:
            subprocess.run([python, "-m", "pip", "install", "--quiet", package])
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True)
    versions = {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}
    return python, {name: versions[name] for name in PACKAGES if name in versions}


def build():
    folder = ROOT / "build" / "release"
    subprocess.run(["cmake", "--preset", "release", "-DNYALA_BENCHMARKS=ON"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "nyala_bench", "nyala_workloads"], check=True)
    return folder / "benchmarks"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measure(arguments, python, programs):
    results, left_out = {}, {}
    for round_number in range(arguments.rounds):
        for work in arguments.works:
            sides = ["nyala"] + [p for p in arguments.peers if p != "torch-cl" or work in CONVOLUTIONS]
            for side in sides:
                if (side, work) in left_out or (side == "torch-compile" and work == "start"):
                    continue
                program, folder = ("nyala_workloads", "workloads") if work in OTHERS else ("nyala_bench", "contract")
                command = ([programs / program, work] if side == "nyala" else
                           [python, ROOT / "benchmarks" / folder / "peers.py", side, work])
                found, reason = run(command, {"NYALA_NUM_THREADS": "2"})
                if found is None:
                    left_out[side, work] = reason
                else:
                    results.setdefault((side, work), []).append(found)
                value = found and found.get(figure(work)[0])
                print(f"round {round_number + 1} {work:12} {side:14} {value if found else reason}", flush=True)
    return results, left_out


def table(arguments, results):
    header = ["workload", "nyala: median (best)", *arguments.peers, "ahead of the best peer by"]
    rows = [header, ["---"] * len(header)]
    for work in arguments.works:
        key, more_is_better = figure(work)
        best = max if more_is_better else min
        medians, cells = {}, [work]
        for side in ["nyala", *arguments.peers]:
            values = [r[key] for r in results.get((side, work), []) if key in r]
            if not values:
                cells.append("–")
                continue
            medians[side] = statistics.median(values)
            cells.append(f"{medians[side]:g} ({best(values):g})")
        others = [value for side, value in medians.items() if side != "nyala"]
        if "nyala" in medians and others:
            ratio = medians["nyala"] / max(others) if more_is_better else min(others) / medians["nyala"]
            cells.append(f"{ratio:.2f}")
        else:
            cells.append("–")
        rows.append(cells)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--works", nargs="+", default=WORKS + OTHERS, choices=WORKS + OTHERS)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / "build" / "peers")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "performance.md")
    arguments = parser.parse_args()
    programs = build()
    python, versions = make_venv(arguments.venv)
    load_before = os.getloadavg()[0]
    results, left_out = measure(arguments, python, programs)
    memory = [f"{side} {max(r['rss_mb'] for r in runs)} MB" for (side, work), runs in sorted(results.items())
              if work == "mlp"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    text = f"""# Speed beside Keras and PyTorch

Made by `benchmarks/compare/compare.py`; do not edit. Training and `pn-cnn` in samples a second (more is better), `tiny`
in µs an epoch of one step, `p1-*` and `start` in ms (less is better). Each cell: the median of
{arguments.rounds} round(s), and the best. Each (side, workload) had a process of its own, the sides in turn; the
workloads are code in `benchmarks/contract` and, from `gru` on, in `benchmarks/workloads`.

- Processor: {processor()}, {os.cpu_count()} of them; two threads for every side.
- Load average before the run: {load_before:.1f}. Far above 0, the machine was shared: then peers whose threads spin
  at barriers fall behind further than they would on a quiet one, and the ratios flatter Nyala.
- Versions: {listed}; Python {platform.python_version()}.
- `start` counts from a program's own first line. A peer's imports, which load its libraries, come after that line;
  the loading of Nyala's libraries comes before it and is not counted.
- Peak memory on `mlp`: {", ".join(memory)}.

{table(arguments, results)}
"""
    if left_out:
        text += "\nLeft out:\n\n" + "".join(f"- {side}, {work}: {why}\n" for (side, work), why in left_out.items())
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(text)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
