"""What every maker of golden files shares: seeded inputs and the JSON layout that README.md describes."""

import json
import math
import os
import zlib

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Hundreds of tiny graphs are compiled once each: compiling fast matters, running fast does not.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_multi_thread_eigen=false "
                      "--xla_cpu_use_fusion_emitters=false")

import keras  # noqa: E402
import numpy as np  # noqa: E402

FORMAT = 1
_seed = 1
_exact = False  # write float32 with all its digits, not with seven


def set_seed(seed):
    global _seed
    _seed = seed


def seed():
    return _seed


def rng_for(name):
    """A generator that depends on the case's name only, so that a new case changes no other."""
    return np.random.default_rng([_seed, zlib.crc32(name.encode())])


def normal(rng, shape, scale=1.0):
    """float32 normals with three decimals: short in JSON, exact when read back."""
    return np.round(rng.standard_normal(shape) * scale, 3).astype("float32")


def uniform(rng, shape, low=0.0, high=1.0):
    return np.round(rng.uniform(low, high, shape), 3).astype("float32")


def integers(rng, shape, low, high, dtype="int32"):
    return rng.integers(low, high, shape).astype(dtype)


def reset():
    """Names and seeds as in a fresh process, so that configs do not depend on the order of the cases."""
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(_seed)


def _number(value):
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if math.isnan(value):
        return '"NaN"'
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    if isinstance(value, np.floating):
        return "%.7g" % value if not _exact else _short(str(value))
    return _short(repr(float(value)))


def _short(text):
    return text[:-2] if text.endswith(".0") else text


def _array(array):
    if array.dtype == bool:
        data = ["1" if v else "0" for v in array.ravel()]
    else:
        if array.dtype.name in ("bfloat16", "float16"):
            array = array.astype("float32")
        data = [_number(v) for v in array.ravel()]
    shape = ",".join(str(n) for n in array.shape)
    return '{"shape":[%s],"dtype":"%s","data":[%s]}' % (shape, array.dtype.name, ",".join(data))


def encode(value):
    """JSON text of plain values and arrays. NaN and infinities become the strings NaN, Infinity and -Infinity."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{%s}" % ",".join("%s:%s" % (json.dumps(str(k)), encode(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join(encode(v) for v in value)
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return _number(value)
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    raise TypeError(f"cannot write {type(value)} as JSON")


def write_family(directory, family, cases, exact=False):
    """One line per case, so that a diff shows which case moved. Seven digits unless `exact`."""
    global _exact
    _exact = exact
    names = [case["name"] for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{family}: case names used twice: {sorted(twice)}")
    head = '"format":%d,"family":%s,"keras":"%s","backend":"jax","seed":%d' % (
        FORMAT, json.dumps(family), keras.__version__, _seed)
    path = os.path.join(directory, family + ".json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{%s,\"cases\":[\n%s\n]}\n" % (head, ",\n".join(encode(case) for case in cases)))
    return path


def config_of(obj):
    """The object's config with nested objects in Keras' JSON scheme, as serialize_keras_object writes it."""
    return keras.saving.serialize_keras_object(obj)["config"]
