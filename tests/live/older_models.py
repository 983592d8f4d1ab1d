"""By hand: whole models as users of any Keras write them, saved by that Keras in every format it has; Nyala predicts
with them, goes on training them, and saves them again for the newest Keras.

usage: python older_models.py write FOLDER [tf] [NAMES]  with the Keras (2.3 to 3) or tf.keras ("tf") that runs this
       NYALA_BUILD_DIR=build/release python older_models.py check FOLDER [PATTERN]   with Keras 3, `ninja files_tool`"""

import json
import os
import re
import sys

import numpy as np

import older_picture_models as pictures
import older_sequence_models as sequences
import older_structure_models as structures
from older_models_kit import NEW, NUMBERS, TF, VERSION, keras, rng

STEPS = 3
MODELS = [pictures.unet, pictures.resnet, pictures.inception, pictures.siamese, sequences.seq2seq,
          sequences.gru_seq2seq, sequences.masked_bidirectional, sequences.tagger, sequences.video, sequences.wavenet,
          sequences.transformer_encoder, sequences.transformer_decoder, sequences.luong_attention,
          pictures.autoencoder, structures.tickets, structures.nested, pictures.frozen, structures.prepared,
          pictures.mixed, structures.wide_and_deep, pictures.densenet, pictures.mobilenet, pictures.squeeze,
          sequences.films, pictures.volume, sequences.stateful, sequences.cells, sequences.text_cnn,
          structures.merges, structures.recommender, structures.late, structures.penalised, structures.arithmetic,
          structures.slashes, structures.added_loss, structures.vae]


def one_or_all(parts):
    return parts[0] if len(parts) == 1 else list(parts)


def forget(model):
    for layer in model.layers:
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
            layer.reset_states()
        elif getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()


def predicted(model, x):
    forget(model)
    found = model.predict_on_batch(one_or_all(x))
    return [np.asarray(y).astype("float32") for y in (found if isinstance(found, (list, tuple)) else [found])]


def first_loss(result):
    return float(np.asarray(result if np.ndim(result) == 0 else result[0]))


def losses(model, x, y):
    told = []
    for _ in range(STEPS):
        if hasattr(model, "reset_metrics"):
            model.reset_metrics()
        told.append(first_loss(model.train_on_batch(one_or_all(x), one_or_all(y))))
    return told


def write(folder, names):
    if not os.path.isdir(folder):
        os.makedirs(folder)
    told = {}
    for make in MODELS:
        name = make.__name__
        if names and name not in names:
            continue
        try:
            rng.seed(5)
            keras.backend.clear_session()
            model, x, y = make()
            if name == "vae":
                y = None
            base = os.path.join(folder, name)
            if y is not None and not (name == "transformer_decoder" and not NEW):
                losses(model, x, y)
            elif y is not None:
                y = None
            forget(model)
            fact = {"inputs": len(x), "files": []}
            for suffix in ("keras", "h5", "weights.h5"):  # Keras 3 forgets the optimizer when it writes .h5
                try:
                    if suffix == "weights.h5":
                        model.save_weights(base + "." + suffix)
                    elif suffix == "h5" or NEW or TF and NUMBERS >= (2, 12):
                        model.save(base + "." + suffix)
                    fact["files"] += [suffix] if os.path.exists(base + "." + suffix) else []
                except Exception as error:
                    print("%s.%s: %s" % (name, suffix, str(error)[:150]))
            z = predicted(model, x)
            fact["outputs"] = len(z)
            for kind, parts in (("x", x), ("y", z), ("t", y or [])):
                for i, part in enumerate(parts):
                    np.save("%s.%s%d.npy" % (base, kind, i), part)
            if y is not None:
                forget(model)
                fact["targets"], fact["losses"] = len(y), losses(model, x, y)
            told[name] = fact
        except Exception as error:
            print("%s: not written: %s: %s" % (name, type(error).__name__, str(error)[:200]))
    with open(os.path.join(folder, "told.json"), "w") as file:
        json.dump({"version": VERSION, "models": told}, file)
    print("%s: %d models" % (VERSION, len(told)))


def arrays(base, kind, count):
    return [np.load("%s.%s%d.npy" % (base, kind, i)) for i in range(count)]


def close(a, b, tolerance):
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max(initial=0)))


def check(folder, pattern):
    import files_live
    with open(os.path.join(folder, "told.json")) as file:
        told = json.load(file)
    jobs, todo = files_live.Jobs(folder), []
    for name, fact in told["models"].items():
        if not re.search(pattern, name):
            continue
        base = os.path.join(os.path.abspath(folder), name)
        inputs = ["%s.x%d.npy" % (base, i) for i in range(fact["inputs"])]
        for suffix in fact["files"]:
            if suffix == "weights.h5":
                jobs.add("weights", base + "." + fact["files"][0], base + ".weights.h5", "-", base + ".w.y", *inputs)
                todo.append((name, fact, suffix, "predict"))
                continue
            jobs.add("run", base + "." + suffix, base + ".again_%s.keras" % suffix, base + "." + suffix + ".y", *inputs)
            todo.append((name, fact, suffix, "predict"))
            if "losses" in fact:
                targets = ["%s.t%d.npy" % (base, i) for i in range(fact["targets"])]
                jobs.add("train", base + "." + suffix, "-", STEPS, base + "." + suffix + ".losses", ",".join(inputs),
                         ",".join(targets))
                todo.append((name, fact, suffix, "train"))
    failures = 0
    for (name, fact, suffix, what), answer in zip(todo, jobs.run()):
        base, problem = os.path.join(folder, name), ""
        tolerance = 5e-3 if name == "mixed" else 1e-5
        if answer != "ok":
            problem = answer
        elif what == "train":
            found = np.loadtxt(base + "." + suffix + ".losses", ndmin=1)
            if not close(found, fact["losses"], max(tolerance, 1e-4)):
                problem = "losses %s for %s" % (found.tolist(), fact["losses"])
        else:
            expected = arrays(base, "y", fact["outputs"])
            stem = base + (".w" if suffix == "weights.h5" else "." + suffix)
            found = [np.load("%s.y.%d.npy" % (stem, i)) for i in range(len(expected))]
            wrong = [i for i, (a, b) in enumerate(zip(found, expected)) if not close(a, b, tolerance)]
            if wrong:
                problem = "outputs %s differ by %g" % (wrong, np.abs(found[wrong[0]] - expected[wrong[0]]).max()
                                                       if found[wrong[0]].shape == expected[wrong[0]].shape else -1)
            elif suffix != "weights.h5":
                try:
                    again = keras.saving.load_model(base + ".again_%s.keras" % suffix)
                    x = arrays(base, "x", fact["inputs"])
                    found = predicted(again, x)
                    if not all(close(a, b, tolerance) for a, b in zip(found, expected)):
                        problem = "again: other outputs in Keras %s" % keras.__version__
                except Exception as error:
                    problem = "again: " + str(error).replace("\n", " ")[-250:]
        if problem:
            failures += 1
            print("%s.%s %s: %s" % (name, suffix, what, problem[:400]))
    print("%s: %d checks, %d failures" % (told["version"], len(todo), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    rest = [word for word in sys.argv[3:] if word != "tf"]
    if sys.argv[1] == "write":
        write(sys.argv[2], rest)
    else:
        sys.exit(check(sys.argv[2], rest[0] if rest else ""))
