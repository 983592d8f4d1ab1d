"""Every layer that Nyala has, in the configurations of Keras' own tests, through every file format and back.

Keras builds a model around each configuration and saves it; Nyala loads the file, must hold the same weights bit for
bit, predict the same and describe the layer by the same config, and saves it again in each format; Keras loads that,
and must find the same weights and predictions. NYALA_MATRIX=all runs every configuration (minutes), NYALA_MATRIX=Conv2D
those of one class; otherwise those that show an option which no other shows."""

import contextlib
import io
import logging
import os
import subprocess
import sys
import tempfile
import warnings

os.environ["KERAS_BACKEND"] = "numpy"  # nothing to compile, and it runs everything that a saved layer can be asked

import keras  # noqa: E402
import layer_models  # noqa: E402
import numpy as np  # noqa: E402

FORMATS = ("keras", "h5", "weights.h5")
# What Keras itself cannot load back, so that only Nyala's reading can be judged.
# Lists of axes, for one, are lost on its way through .h5.
KERAS_CANNOT_RELOAD = {"h5": ("Attention", "GroupQueryAttention", "LayerNormalization", "RMSNormalization",
                              "UnitNormalization")}


# An older Keras lacks some layers and options: it is asked for what it has, and Nyala may write keys that it does not.
OLDER = tuple(int(part) for part in keras.__version__.split(".")) < (3, 15)
# A mask of floats meant something else.
OTHER_MEANING = ("Softmax.3", "Softmax.4")


def near(a, b):
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    scale = max(1.0, float(np.nanmax(np.abs(b), initial=0.0))) if b.size else 1.0
    limit = 5e-3 if b.dtype == np.float16 else 1e-5
    return bool(np.allclose(a.astype("float64"), b.astype("float64"), rtol=0, atol=limit * scale, equal_nan=True))


def reload_in_keras(made, folder, suffix):
    """What is wrong with Nyala's file; None if nothing is."""
    path = os.path.join(folder, f"again.{suffix}")
    if suffix == "weights.h5":
        model = keras.models.model_from_json(made.model.to_json())
        model.load_weights(path)
    else:
        model = keras.models.load_model(path, compile=False)
    theirs = [np.asarray(weight.value) for weight in made.model.weights]
    ours = [np.asarray(weight.value) for weight in model.weights]
    if len(ours) != len(theirs) or not all(np.array_equal(a, b) for a, b in zip(ours, theirs)):
        return "other weights"
    return None if all(near(a, b) for a, b in zip(made.predict(model), made.outputs)) else "other predictions"


def reads_itself(made, folder, suffix):
    """Older versions leave out of their files what they were told, such as Conv2DTranspose's output_padding."""
    try:
        if suffix == "weights.h5":
            suffix = "keras"
        model = keras.models.load_model(os.path.join(folder, f"model.{suffix}"), compile=False)
        return all(near(a, b) for a, b in zip(made.predict(model), made.outputs))
    except Exception:
        return False


def build(cases, folder):
    """Yields the models that Keras can make and save; says which it cannot, and stops at the first unless asked."""
    for case in cases:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                made = layer_models.LayerModel(*case)
                entry = made.write(os.path.join(folder, made.name), FORMATS)
        except Exception as error:
            if os.environ.get("NYALA_MATRIX", "") == "" and not OLDER:
                raise
            if not OLDER:
                print(f"{case[0]}: this Keras cannot make it: {str(error).splitlines()[-1][:200]}")
            continue
        yield made, entry


def main():
    warnings.simplefilter("ignore")
    logging.getLogger("absl").setLevel(logging.ERROR)  # .h5 is an old format, as it says at every save
    asked = os.environ.get("NYALA_MATRIX", "")
    cases = list(layer_models.read_cases())
    if asked == "":
        cases = list(layer_models.short_choice(cases))
    elif asked != "all":
        cases = [case for case in cases if case[1] == asked or case[0] == asked]
    failures, left_out, checks = [], [], 0
    with contextlib.ExitStack() as stack:
        kept = os.environ.get("NYALA_MATRIX_KEEP")
        folder = kept or stack.enter_context(tempfile.TemporaryDirectory(prefix="nyala matrix "))
        models = []
        with open(os.path.join(folder, "cases.txt"), "w", encoding="utf-8") as file:
            for made, entry in build(cases, folder):
                made.formats = entry["formats"]
                models.append(made)
                print(*(entry[key] for key in ("name", "layer", "inputs", "outputs", "weights")), file=file)
        program = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "matrix_tool")
        words = [program, folder, *(["older"] if OLDER else [])]
        run = subprocess.run(words, check=False, capture_output=True, text=True)
        print(run.stderr, end="")
        told = {}
        for line in run.stdout.splitlines():
            name, suffix, verdict = line.split("\t", 2)
            told[name, suffix] = verdict
        for made in models:
            for suffix in made.formats:
                checks += 1
                verdict = told.get((made.name, suffix), f"the program ended before it (exit code {run.returncode})")
                if verdict != "ok" and OLDER and (made.name in OTHER_MEANING or not reads_itself(
                        made, os.path.join(folder, made.name), suffix)):
                    left_out.append(f"{made.name} .{suffix}")
                elif verdict != "ok":
                    failures.append(f"{made.name} .{suffix} -> Nyala: {verdict}")
            for suffix in FORMATS:
                path = os.path.join(folder, made.name, f"again.{suffix}")
                class_name = made.name.split(".")[0]
                # What this Keras writes of today's options an older one refuses, in its own files as in Nyala's.
                if OLDER and suffix != "weights.h5":
                    continue
                if not os.path.exists(path) or class_name in KERAS_CANNOT_RELOAD.get(suffix, ()):
                    continue
                checks += 1
                try:
                    with contextlib.redirect_stdout(io.StringIO()):
                        verdict = reload_in_keras(made, os.path.join(folder, made.name), suffix)
                except Exception as error:
                    verdict = f"{type(error).__name__}: {error}".splitlines()[0][:300]
                if verdict:
                    failures.append(f"{made.name} Nyala -> .{suffix}: {verdict}")
    for failure in failures:
        print(failure)
    if left_out:
        print(f"{len(left_out)} were not judged: {', '.join(left_out)}")
    layers = {made.name.split(".")[0] for made in models}
    print(f"Keras {keras.__version__}: {len(models)} configurations of {len(layers)} layers, {checks} checks, "
          f"{len(failures)} failures")
    return 1 if failures or not models else 0


if __name__ == "__main__":
    sys.exit(main())
