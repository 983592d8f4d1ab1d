"""Makes golden files with the installed Keras from a seed that is not the checked-in one, runs the C++ golden tests on
them, and lets Keras load the weight files that Nyala wrote."""

import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["NYALA_SOURCE_DIR"]
BUILD = os.environ["NYALA_BUILD_DIR"]
GOLDEN = os.path.join(SOURCE, "tests", "golden")
sys.path.insert(0, GOLDEN)

# The others take minutes, and the checked-in files hold the same cases.
FAMILIES = ["layers_core", "layers_norm", "layers_merging", "layers_reshaping", "losses", "curves", "weight_files"]
SEED = int(os.environ.get("NYALA_GOLDEN_SEED", "20260"))


def run_nyala(folder, written):
    program = os.path.join(BUILD, "tests", "test_golden")
    names = ",".join(f"golden: {family}" for family in FAMILIES)
    environment = {**os.environ, "NYALA_GOLDEN_DIR": folder, "NYALA_GOLDEN_KEEP": written}
    return subprocess.run([program, f"--test-case={names}"], env=environment, check=False).returncode


def keras_reads(folder, written):
    import golden_io
    import numpy as np
    from families import weight_files

    failures = []
    for maker in weight_files.MODELS:
        name = maker.__name__
        golden_io.reset()
        model, x = maker(golden_io.rng_for("weights/" + name))
        model(x)
        theirs = os.path.join(folder, "weights", f"{name}.weights.h5")
        model.load_weights(theirs)
        expected = [np.asarray(w.value) for w in model.weights]
        state = [np.asarray(v.value) for v in model.optimizer.variables] if model.compiled else []
        for variable in model.weights + (model.optimizer.variables if model.compiled else []):
            variable.assign(np.zeros(variable.shape, variable.dtype))
        model.load_weights(os.path.join(written, f"{name}.weights.h5"))
        got = [np.asarray(w.value) for w in model.weights]
        got_state = [np.asarray(v.value) for v in model.optimizer.variables] if model.compiled else []
        if not all(np.array_equal(a, b) for a, b in zip(expected + state, got + got_state)):
            failures.append(name)
    return failures


def main():
    with tempfile.TemporaryDirectory(prefix="nyala golden ") as folder:
        written = os.path.join(folder, "written")
        subprocess.run([sys.executable, "-W", "ignore", os.path.join(GOLDEN, "make_golden.py"), "--out", folder,
                        "--seed", str(SEED), "--only", *FAMILIES], check=True)
        code = run_nyala(folder, written)
        if code != 0:
            return code
        failures = keras_reads(folder, written)
    if failures:
        print(f"Keras does not find the same weights in what Nyala wrote: {failures}")
    else:
        print("Keras loads every weight file that Nyala wrote, weights and optimizer state alike")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
