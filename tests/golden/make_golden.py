#!/usr/bin/env python
"""Writes the golden files from real Keras (jax backend). README.md beside this file describes the format.

    /opt/kv/bin/python tests/golden/make_golden.py [--out FOLDER] [--seed N] [--only FAMILY ...] [--list]
"""

import argparse
import importlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

FAMILIES = ["layers_core", "layers_conv", "layers_pool", "layers_norm", "layers_rnn", "layers_attention",
            "layers_merging", "layers_reshaping", "layers_image", "layers_audio", "activations", "losses",
            "losses_later", "metrics",
            "metrics_later", "optimizers", "optimizers_later", "schedules", "small_objects",
            "ops", "curves", "weight_files"]


def make(family, directory):
    import golden_io
    import layer_case

    module = importlib.import_module("families." + family)
    if hasattr(module, "make"):
        cases = module.make(directory)
    else:
        cases, failures = [], []
        for spec in module.CASES:
            try:
                cases.append(layer_case.run(spec))
            except Exception as error:
                failures.append(f"{spec['name']}: {error}")
        if failures:
            raise RuntimeError(f"{family}: Keras refused\n" + "\n".join(failures))
    return golden_io.write_family(directory, family, cases, getattr(module, "EXACT", False)), len(cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=HERE, help="the folder that gets data/ and weights/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=FAMILIES)
    parser.add_argument("--list", action="store_true", help="print the families and stop")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(FAMILIES))
        return
    data = os.path.join(os.path.abspath(arguments.out), "data")
    os.makedirs(data, exist_ok=True)
    import golden_io

    golden_io.set_seed(arguments.seed)
    for family in arguments.only:
        start = time.time()
        path, count = make(family, data)
        print(f"{family}: {count} cases, {os.path.getsize(path) / 1024:.0f} KB, {time.time() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
