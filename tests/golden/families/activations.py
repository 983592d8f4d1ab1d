"""Activation functions on a grid (values, gradient) and over axes, with their arguments."""

import golden_io as g
import jax
import keras
import numpy as np

# Kinks (0, +-0.5, +-1, +-3, 6) stand apart from the grid: their gradients are a choice, their values are not.
GRID = np.array([-120.0, -30.0, -7.3, -4.2, -3.1, -2.5, -1.7, -1.01, -0.93, -0.7, -0.45, -0.2, -0.01, 1e-4, 0.01, 0.1,
                 0.35, 0.6, 0.8, 1.2, 1.9, 2.7, 3.3, 5.9, 6.1, 15.0, 60.0], "float32")
KINKS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0], "float32")

ELEMENTWISE = {
    "relu": [{}, {"negative_slope": 0.1}, {"max_value": 2.0}, {"threshold": 0.4},
             {"negative_slope": 0.3, "max_value": 1.5, "threshold": 0.5}, {"threshold": -1.25}],
    "relu6": [{}], "leaky_relu": [{}, {"negative_slope": 0.01}], "elu": [{}, {"alpha": 0.5}], "selu": [{}],
    "celu": [{}, {"alpha": 2.0}], "gelu": [{}, {"approximate": True}, {"approximate": False}], "softplus": [{}],
    "softsign": [{}], "silu": [{}], "swish": [{}], "sigmoid": [{}], "tanh": [{}], "exponential": [{}], "mish": [{}],
    "hard_sigmoid": [{}], "hard_silu": [{}], "hard_swish": [{}], "hard_tanh": [{}], "tanh_shrink": [{}],
    "soft_shrink": [{}, {"threshold": 0.3}], "hard_shrink": [{}, {"threshold": 0.3}], "squareplus": [{}, {"b": 2.0}],
    "sparse_plus": [{}], "sparse_sigmoid": [{}], "log_sigmoid": [{}], "linear": [{}],
    "threshold": [{"threshold": 0.4, "default_value": -2.0}],
}
OVER_AXES = {
    "softmax": [{}, {"axis": 1}, {"axis": 0}], "log_softmax": [{}, {"axis": 1}], "sparsemax": [{}, {"axis": 1}],
    "glu": [{}, {"axis": 1}],
}


def _case(name, function, arguments, x, rng, gradient=True):
    call = getattr(keras.activations, function)
    cotangent = g.normal(rng, jax.eval_shape(lambda v: call(v, **arguments), x).shape)

    def run(v, c):
        y, pullback = jax.vjp(lambda u: call(u, **arguments), v)
        return y, pullback(c)[0]

    y, dx = jax.jit(run)(x, cotangent)
    result = dict(name=name, function=function, arguments=arguments, x=x, y=np.asarray(y))
    return {**result, "cotangent": cotangent, "gradient": np.asarray(dx)} if gradient else result


def make(directory):
    cases = []
    for table, over_axes in ((ELEMENTWISE, False), (OVER_AXES, True)):
        for function, variants in table.items():
            for arguments in variants:
                name = "_".join([function] + [f"{k}_{v}" for k, v in arguments.items()])
                rng = g.rng_for(name)
                if over_axes:
                    cases.append(_case(name, function, arguments, g.normal(rng, (3, 4, 6), 2.0), rng))
                    continue
                cases.append(_case(name, function, arguments, GRID, rng))
                cases.append(_case(name + "_at_kinks", function, arguments, KINKS, rng, gradient=False))
    extreme = np.array([[1000.0, 0.0, -1000.0], [-1e30, -1e30, -1e30], [88.0, 89.0, 90.0]], "float32")
    for function in ("softmax", "log_softmax"):
        cases.append(_case(function + "_extreme", function, {}, extreme, g.rng_for(function), gradient=False))
    return cases
