"""Initialisers, regularisers and constraints; what dtypes promote to; what "accuracy" and "crossentropy" mean."""

from unittest import mock

import golden_io as g
import jax
import keras
import numpy as np
from keras.src.initializers import random_initializers
from keras.src.trainers import compile_utils

SHAPES = [(7,), (3, 5), (3, 2, 5), (3, 2, 4, 5), (2, 3, 2, 2, 5)]
RANDOM = [
    ("RandomNormal", dict()), ("RandomNormal", dict(mean=1.0, stddev=0.3)), ("RandomUniform", dict()),
    ("RandomUniform", dict(minval=-1.0, maxval=2.0)), ("TruncatedNormal", dict()),
    ("TruncatedNormal", dict(mean=1.0, stddev=0.3)), ("GlorotUniform", dict()), ("GlorotNormal", dict()),
    ("HeNormal", dict()), ("HeUniform", dict()), ("LecunNormal", dict()), ("LecunUniform", dict()),
    ("VarianceScaling", dict()), ("VarianceScaling", dict(scale=2.0, mode="fan_avg", distribution="uniform")),
    ("VarianceScaling", dict(scale=0.5, mode="fan_out", distribution="untruncated_normal")),
    ("VarianceScaling", dict(scale=3.0, mode="fan_out", distribution="truncated_normal")),
    ("GlorotUniform", dict(input_axes=[0, 1], output_axes=[2])),
]
FIXED = [
    ("Zeros", dict(), (2, 3)), ("Ones", dict(), (3, 2)), ("Constant", dict(value=-1.5), (2, 2)),
    ("Constant", dict(value=0.25), ()), ("Identity", dict(), (3, 3)), ("Identity", dict(gain=0.5), (3, 5)),
    ("Identity", dict(), (4, 2)),
]


def _drawn(initializer, shape):
    """The distribution that Keras would draw from: its own call into the random functions, caught."""
    caught = {}

    def catch(kind, names):
        def function(shape, *args, dtype=None, seed=None, **kwargs):
            caught.update(distribution=kind, **dict(zip(names, args)), **kwargs)
            return np.zeros(shape, "float32")
        return function

    with mock.patch.multiple(random_initializers.random, uniform=catch("uniform", ("minval", "maxval")),
                             normal=catch("normal", ("mean", "stddev")),
                             truncated_normal=catch("truncated_normal", ("mean", "stddev"))):
        initializer(shape)
    return {k: float(v) if k != "distribution" else v for k, v in caught.items()}


def initializers():
    for class_name, kwargs, shape in FIXED:
        obj = getattr(keras.initializers, class_name)(**kwargs)
        yield dict(name=f"initializer_{class_name}_{len(kwargs)}_{list(shape)}", kind="initializer",
                   class_name=class_name, config=g.config_of(obj), arguments=kwargs, shape=list(shape),
                   value=np.asarray(obj(shape, dtype="float32")))
    for index, (class_name, kwargs) in enumerate(RANDOM):
        obj = getattr(keras.initializers, class_name)(**kwargs)
        shapes = [(3, 2, 5)] if "input_axes" in kwargs else SHAPES
        for shape in shapes:
            yield dict(name=f"initializer_{class_name}_{index}_{list(shape)}", kind="random_initializer",
                       class_name=class_name, config=g.config_of(obj), shape=list(shape), **_drawn(obj, shape))
    for shape in ((5, 3), (3, 5), (2, 3, 4), (4, 4)):
        obj = keras.initializers.Orthogonal(gain=1.5)
        value = np.asarray(obj(shape)).reshape(-1, shape[-1])
        gram = value.T @ value if value.shape[0] >= value.shape[1] else value @ value.T
        yield dict(name=f"initializer_Orthogonal_{list(shape)}", kind="orthogonal_initializer", class_name="Orthogonal",
                   config=g.config_of(obj), shape=list(shape), gram=np.round(gram, 5).astype("float32") + np.float32(0))


def regularizers():
    for class_name, kwargs, shape in [
        ("L1", dict(), (3, 4)), ("L1", dict(l1=0.3), (5,)), ("L2", dict(), (3, 4)), ("L2", dict(l2=0.2), (2, 3, 2)),
        ("L1L2", dict(l1=0.1, l2=0.05), (3, 4)), ("L1L2", dict(), (2, 2)),
        ("OrthogonalRegularizer", dict(), (3, 4)), ("OrthogonalRegularizer", dict(factor=0.5, mode="columns"), (4, 3)),
    ]:
        name = f"regularizer_{class_name}_{len(kwargs)}_{list(shape)}"
        obj = getattr(keras.regularizers, class_name)(**kwargs)
        x = g.normal(g.rng_for(name), shape)
        value, gradient = jax.jit(jax.value_and_grad(obj))(x)
        yield dict(name=name, kind="regularizer", class_name=class_name, config=g.config_of(obj), x=x,
                   value=float(value), gradient=np.asarray(gradient))


def constraints():
    for class_name, kwargs in [
        ("MaxNorm", dict()), ("MaxNorm", dict(max_value=0.8, axis=1)), ("MaxNorm", dict(max_value=0.8, axis=[0, 1])),
        ("NonNeg", dict()), ("UnitNorm", dict()), ("UnitNorm", dict(axis=[0, 1])),
        ("MinMaxNorm", dict()), ("MinMaxNorm", dict(min_value=0.5, max_value=1.2, rate=0.7, axis=1)),
    ]:
        for shape in ((4, 3), (2, 3, 2)):
            name = f"constraint_{class_name}_{'_'.join(map(str, kwargs.values()))}_{list(shape)}"
            obj = getattr(keras.constraints, class_name)(**kwargs)
            x = g.normal(g.rng_for(name), shape, 1.5)
            yield dict(name=name, kind="constraint", class_name=class_name, config=g.config_of(obj), x=x,
                       value=np.asarray(obj(keras.ops.convert_to_tensor(x))))


DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16",
          "float32", "float64"]


def promotion():
    table = [[keras.backend.result_type(a, b) for b in DTYPES] for a in DTYPES]
    scalars = {"int": int, "float": float}
    with_scalars = {name: [keras.backend.result_type(a, kind) for a in DTYPES] for name, kind in scalars.items()}
    yield dict(name="promotion", kind="promotion", dtypes=DTYPES, table=table, with_python_scalars=with_scalars)


def names():
    """What compile() makes of a name, by the shapes and dtypes of y_true and y_pred."""
    shapes = [((5, 1), (5, 1)), ((5,), (5, 1)), ((5, 3), (5, 3)), ((5, 1), (5, 3)), ((5,), (5, 3)), ((5, 2, 3), (5, 2, 3)),
              ((5, 2, 1), (5, 2, 3)), ((5, 2), (5, 2, 3)), ((5, 2, 1), (5, 2, 1)), ((5,), (5,))]
    for kind, identifier in (("metric_name", "accuracy"), ("metric_name", "acc"), ("loss_name", "crossentropy")):
        for dtype in ("int32", "float32"):
            for true, pred in shapes:
                y_true, y_pred = np.zeros(true, dtype), np.zeros(pred, "float32")
                if kind == "metric_name":
                    resolved = type(compile_utils.get_metric(identifier, y_true, y_pred)).__name__
                else:
                    resolved = compile_utils.get_loss(identifier, y_true, y_pred).fn.__name__
                yield dict(name=f"{kind}_{identifier}_{dtype}_{list(true)}_{list(pred)}", kind=kind,
                           identifier=identifier, y_true_dtype=dtype, y_true_shape=list(true),
                           y_pred_shape=list(pred), resolved=resolved)


def make(directory):
    g.reset()
    return [*initializers(), *regularizers(), *constraints(), *promotion(), *names()]
