"""Ops: a broad sample, each with its arguments, result and, where both ends are floats, its gradients."""

import golden_io as g
import jax
import keras
import numpy as np
from keras.src import tree

N = lambda *shape: lambda rng: g.normal(rng, shape)  # noqa: E731
U = lambda low, high, *shape: lambda rng: g.uniform(rng, shape, low, high)  # noqa: E731
I = lambda low, high, *shape: lambda rng: g.integers(rng, shape, low, high)  # noqa: E731,E741
B = lambda *shape: lambda rng: rng.integers(0, 2, shape).astype(bool)  # noqa: E731
A = lambda values, dtype="float32": lambda rng: np.array(values, dtype)  # noqa: E731

UNARY = {
    "negative": N, "abs": N, "square": N, "exp": N, "exp2": N, "expm1": N, "erf": N, "sin": N, "cos": N, "tan": N,
    "arctan": N, "sinh": N, "cosh": N, "tanh": N, "arcsinh": N, "reciprocal": N, "sigmoid": N,
    "sqrt": lambda *s: U(0.1, 3, *s), "rsqrt": lambda *s: U(0.1, 3, *s), "log": lambda *s: U(0.1, 3, *s),
    "log1p": lambda *s: U(-0.9, 3, *s), "log2": lambda *s: U(0.1, 3, *s), "log10": lambda *s: U(0.1, 3, *s),
    "erfinv": lambda *s: U(-0.9, 0.9, *s), "arcsin": lambda *s: U(-0.9, 0.9, *s),
    "arccos": lambda *s: U(-0.9, 0.9, *s), "arccosh": lambda *s: U(1.1, 4, *s), "arctanh": lambda *s: U(-0.9, 0.9, *s),
    "sign": N, "floor": N, "ceil": N, "trunc": N, "round": N,
}
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "logaddexp", "divide_no_nan",
          "hypot", "floor_divide", "mod"]
COMPARE = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
REDUCE = ["sum", "mean", "prod", "max", "min", "var", "std", "logsumexp"]


def elementwise():
    for op, maker in UNARY.items():
        yield op, op, [maker(3, 5)], {}
    yield "round_decimals", "round", [A([0.125, -1.375, 2.5, 3.5, -0.5, 1.005])], dict(decimals=2)
    yield "round_half", "round", [A([0.5, 1.5, 2.5, -0.5, -1.5])], {}
    yield "sign_special", "sign", [A([0.0, -0.0, -3, 2])], {}
    yield "sqrt_int", "sqrt", [I(0, 9, 5)], {}
    yield "exp_int", "exp", [I(-2, 3, 5)], {}
    yield "abs_int", "abs", [I(-5, 5, 6)], {}
    yield "square_int", "square", [I(-5, 5, 6)], {}
    yield "isnan", "isnan", [A([1, np.nan, np.inf])], {}
    yield "isinf", "isinf", [A([1, np.nan, -np.inf])], {}
    yield "isfinite", "isfinite", [A([1, np.nan, -np.inf])], {}
    yield "nan_to_num", "nan_to_num", [A([1, np.nan, np.inf, -np.inf])], {}
    yield "clip", "clip", [N(3, 5)], dict(x_min=-0.5, x_max=0.7)
    yield "power", "power", [U(0.2, 3, 3, 4), N(3, 4)], {}
    yield "power_broadcast", "power", [U(0.2, 3, 3, 1), N(4)], {}
    yield "power_negative_base", "power", [A([-2.0, -1.5, 3.0, 0.0]), A([2.0, 3.0, -1.0, 2.0])], {}
    for op in BINARY:
        yield op, op, [N(3, 4), U(0.3, 2, 3, 4)], {}
        yield op + "_broadcast", op, [N(2, 1, 4), U(0.3, 2, 3, 1)], {}
        yield op + "_scalar", op, [N(2, 3), U(0.3, 2)], {}
    for op in ("add", "subtract", "multiply", "divide", "floor_divide", "mod", "maximum", "power"):
        yield op + "_int", op, [A([-7, -5, -1, 2, 5, 7], "int32"), A([2, 3, 4, 3, 2, 1], "int32")], {}
        yield op + "_int_float", op, [I(-7, 8, 2, 3), U(0.3, 2, 3)], {}
    yield "divide_no_nan_zero", "divide_no_nan", [A([1, 2, 0]), A([0, 4, 0])], {}
    yield "mod_signs", "mod", [A([5.5, -5.5, 5.5, -5.5]), A([3, 3, -3, -3])], {}
    yield "floor_divide_signs", "floor_divide", [A([5.5, -5.5, 5.5, -5.5]), A([3, 3, -3, -3])], {}
    for op in COMPARE:
        yield op, op, [A([[1, 2, 3], [np.nan, 5, 0]]), A([1, 3, 2])], {}
    for op in ("logical_and", "logical_or", "logical_xor"):
        yield op, op, [B(3, 4), B(4)], {}
    yield "logical_not", "logical_not", [B(3, 4)], {}
    yield "logical_and_numbers", "logical_and", [A([0, 1, 2]), A([1, 0, -3])], {}
    yield "isclose", "isclose", [A([1.0, 1.0, np.nan, np.inf]), A([1.000001, 1.1, np.nan, np.inf])], {}
    yield "where", "where", [B(3, 4), N(3, 4), N(4)], {}
    yield "where_scalar_condition", "where", [B(3, 1), N(3, 4), N()], {}


def reductions():
    for op in REDUCE:
        yield op, op, [N(2, 3, 4)], {}
        yield op + "_axis", op, [N(2, 3, 4)], dict(axis=1)
        yield op + "_axes", op, [N(2, 3, 4)], dict(axis=[0, -1], keepdims=True)
    for op in ("max", "min"):
        yield op + "_ties", op, [A([[1, 3, 3], [2, 2, 2]])], dict(axis=1)
    yield "prod_zeros", "prod", [A([[1, 0, 3], [0, 2, 0], [4, 5, 6]])], dict(axis=1)
    for dtype in ("int32", "bool", "uint8"):
        for op in ("sum", "mean", "prod", "max"):
            if not (dtype == "bool" and op == "max"):
                yield f"{op}_{dtype}", op, [A([[1, 0, 1], [1, 1, 1]], dtype)], dict(axis=1)
    for order in (None, 1, 2, np.inf, -np.inf, 0, 3):
        text = None if order is None else str(order)
        arguments = dict(axis=-1) if order is None else dict(ord=order, axis=-1)
        yield f"norm_{text}", "norm", [N(3, 4)], arguments
    yield "norm_flat", "norm", [N(2, 3, 4)], {}
    yield "norm_keepdims", "norm", [N(2, 3, 4)], dict(axis=[1, 2], keepdims=True)
    yield "argmax", "argmax", [N(3, 4)], {}
    yield "argmax_axis", "argmax", [A([[1, 5, 5], [7, 7, 2]])], dict(axis=1)
    yield "argmin_keepdims", "argmin", [N(3, 4)], dict(axis=0, keepdims=True)
    yield "any", "any", [B(3, 4)], dict(axis=1)
    yield "all", "all", [B(3, 4)], dict(axis=0, keepdims=True)
    yield "any_numbers", "any", [A([[0, 0], [0, 2]])], dict(axis=1)
    yield "count_nonzero", "count_nonzero", [A([[0, 1, 2], [0, 0, 3]])], dict(axis=1)
    for op in ("cumsum", "cumprod"):
        yield op, op, [N(3, 4)], {}
        yield op + "_axis", op, [N(2, 3, 4)], dict(axis=1)
    yield "cumprod_zeros", "cumprod", [A([[2, 0, 3, 0, 5]])], dict(axis=1)
    yield "cumsum_bool", "cumsum", [B(5)], dict(axis=0)
    yield "moments", "moments", [N(2, 3, 4)], dict(axes=[0, 2])
    yield "moments_keepdims", "moments", [N(2, 3, 4)], dict(axes=[1], keepdims=True)
    yield "sort", "sort", [N(3, 5)], {}
    yield "sort_axis", "sort", [N(3, 5)], dict(axis=0)
    yield "argsort", "argsort", [N(3, 5)], dict(axis=0)
    yield "argsort_ties", "argsort", [A([3, 1, 3, 1, 2])], {}
    yield "top_k", "top_k", [N(3, 6)], dict(k=3)
    yield "top_k_ties", "top_k", [A([[1, 4, 4, 2, 4]])], dict(k=2)
    yield "in_top_k", "in_top_k", [A([1, 0, 2], "int32"), N(3, 4)], dict(k=2)


def algebra():
    yield "matmul", "matmul", [N(3, 4), N(4, 2)], {}
    yield "matmul_vectors", "matmul", [N(4), N(4)], {}
    yield "matmul_vector_matrix", "matmul", [N(4), N(2, 4, 3)], {}
    yield "matmul_matrix_vector", "matmul", [N(2, 3, 4), N(4)], {}
    yield "matmul_batched", "matmul", [N(2, 1, 3, 4), N(5, 4, 2)], {}
    yield "matmul_int", "matmul", [I(-3, 4, 2, 3), I(-3, 4, 3, 2)], {}
    yield "dot", "dot", [N(2, 3), N(4, 3, 5)], {}
    yield "outer", "outer", [N(3), N(4)], {}
    yield "vdot", "vdot", [N(5), N(5)], {}
    yield "inner", "inner", [N(2, 3), N(4, 3)], {}
    yield "tensordot", "tensordot", [N(2, 3, 4), N(3, 4, 5)], dict(axes=2)
    yield "tensordot_axes", "tensordot", [N(2, 3, 4), N(4, 5, 2)], dict(axes=[[0, 2], [2, 0]])
    yield "tensordot_zero", "tensordot", [N(2), N(3)], dict(axes=0)
    for subscripts, shapes in (("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
                               ("abc,cde->abde", [(2, 3, 4), (4, 2, 3)]), ("ii->i", [(4, 4)]), ("ij->ji", [(2, 3)]),
                               ("ij->", [(2, 3)]), ("...ij,jk->...ik", [(2, 2, 3), (3, 2)]),
                               ("i,j,k->ijk", [(2,), (3,), (2,)]), ("bthd,bshd->bhts", [(1, 3, 2, 4), (1, 2, 2, 4)]),
                               ("ij,jk", [(2, 3), (3, 2)])):
        yield "einsum_" + subscripts, "einsum", [N(*shape) for shape in shapes], dict(subscripts=subscripts)
    yield "trace", "trace", [N(3, 4)], dict(offset=1)
    yield "normalize", "normalize", [N(3, 4)], dict(axis=1)
    yield "normalize_order1", "normalize", [N(3, 4)], dict(axis=0, order=1)
    square = lambda rng: g.normal(rng, (3, 3)) + 3 * np.eye(3, dtype="float32")  # noqa: E731
    yield "inv", "inv", [square], {}
    yield "det", "det", [square], {}
    yield "solve", "solve", [square, N(3, 2)], {}
    yield "cholesky", "cholesky", [A([[4, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]])], {}


def shapes():
    yield "reshape", "reshape", [N(2, 6)], dict(newshape=[3, -1])
    yield "ravel", "ravel", [N(2, 3)], {}
    yield "expand_dims", "expand_dims", [N(2, 3)], dict(axis=-2)
    yield "squeeze", "squeeze", [N(1, 3, 1)], {}
    yield "squeeze_axis", "squeeze", [N(1, 3, 1)], dict(axis=0)
    yield "transpose", "transpose", [N(2, 3, 4)], {}
    yield "transpose_axes", "transpose", [N(2, 3, 4)], dict(axes=[1, 2, 0])
    yield "swapaxes", "swapaxes", [N(2, 3, 4)], dict(axis1=0, axis2=-1)
    yield "moveaxis", "moveaxis", [N(2, 3, 4)], dict(source=0, destination=-1)
    yield "broadcast_to", "broadcast_to", [N(3, 1)], dict(shape=[2, 3, 4])
    yield "concatenate", "concatenate", [N(2, 3), N(4, 3)], dict(axis=0)
    yield "concatenate_last", "concatenate", [N(2, 3), N(2, 1), N(2, 2)], dict(axis=-1)
    yield "concatenate_promotes", "concatenate", [I(0, 5, 2, 1), N(2, 2)], dict(axis=1)
    yield "stack", "stack", [N(2, 3), N(2, 3)], dict(axis=1)
    yield "stack_last", "stack", [N(2, 3), N(2, 3), N(2, 3)], dict(axis=-1)
    yield "unstack", "unstack", [N(3, 2)], dict(axis=0)
    yield "split", "split", [N(2, 6)], dict(indices_or_sections=3, axis=1)
    yield "split_indices", "split", [N(7, 2)], dict(indices_or_sections=[2, 5], axis=0)
    yield "pad", "pad", [N(2, 3)], dict(pad_width=[[1, 0], [2, 1]])
    yield "pad_value", "pad", [N(2, 3)], dict(pad_width=[[1, 1], [0, 2]], constant_values=1.5)
    yield "pad_reflect", "pad", [N(3, 4)], dict(pad_width=[[2, 1], [1, 3]], mode="reflect")
    yield "pad_symmetric", "pad", [N(3, 4)], dict(pad_width=[[2, 1], [1, 3]], mode="symmetric")
    yield "tile", "tile", [N(2, 3)], dict(repeats=[2, 1])
    yield "tile_rank", "tile", [N(2, 3)], dict(repeats=[2, 1, 2])
    yield "repeat", "repeat", [N(2, 3)], dict(repeats=2)
    yield "repeat_axis", "repeat", [N(2, 3)], dict(repeats=3, axis=1)
    yield "flip", "flip", [N(2, 3)], {}
    yield "flip_axis", "flip", [N(2, 3, 2)], dict(axis=1)
    yield "roll", "roll", [N(2, 3)], dict(shift=4)
    yield "roll_axis", "roll", [N(2, 5)], dict(shift=-2, axis=1)
    yield "diag", "diag", [N(3)], dict(k=1)
    yield "diag_matrix", "diag", [N(3, 4)], dict(k=-1)
    yield "diagonal", "diagonal", [N(2, 3, 4)], dict(offset=1, axis1=1, axis2=2)
    yield "tril", "tril", [N(3, 4)], dict(k=-1)
    yield "triu", "triu", [N(2, 3, 4)], dict(k=1)


def picking():
    yield "take", "take", [N(4, 3), A([[0, 3], [2, -1]], "int32")], dict(axis=0)
    yield "take_axis1", "take", [N(2, 4, 3), A([1, 1, 3], "int32")], dict(axis=1)
    yield "take_flat", "take", [N(2, 3), A([5, 0, 2], "int32")], {}
    yield "take_along_axis", "take_along_axis", [N(3, 4), A([[0, 3], [1, 1], [2, 0]], "int32")], dict(axis=1)
    yield "take_along_axis_broadcast", "take_along_axis", [N(3, 4), A([[0, 2, 1, 0]], "int32")], dict(axis=0)
    yield "scatter", "scatter", [A([[0, 1], [2, 0], [0, 1]], "int32"), N(3)], dict(shape=[3, 2])
    yield "scatter_rows", "scatter", [A([[1], [3], [1]], "int32"), N(3, 2)], dict(shape=[4, 2])
    yield "scatter_update", "scatter_update", [N(3, 3), A([[0, 1], [2, 2]], "int32"), N(2)], {}
    yield "slice", "slice", [N(4, 5)], dict(start_indices=[1, 2], shape=[2, 3])
    yield "slice_update", "slice_update", [N(4, 5), N(2, 3)], dict(start_indices=[1, 2])
    yield "segment_sum", "segment_sum", [N(5, 2), A([0, 0, 1, 3, 3], "int32")], dict(num_segments=4)
    yield "segment_max", "segment_max", [N(5, 2), A([0, 0, 1, 2, 2], "int32")], dict(num_segments=3)
    yield "one_hot", "one_hot", [A([[0, 2], [1, 3]], "int32")], dict(num_classes=4)
    yield "one_hot_axis", "one_hot", [A([[0, 2], [1, 3]], "int32")], dict(num_classes=4, axis=1)
    yield "one_hot_outside", "one_hot", [A([-1, 0, 5], "int32")], dict(num_classes=3)
    yield "searchsorted", "searchsorted", [A([1, 3, 5, 7]), A([0, 3, 4, 9])], {}
    yield "searchsorted_right", "searchsorted", [A([1, 3, 5, 7]), A([0, 3, 4, 9])], dict(side="right")
    yield "nonzero", "nonzero", [A([[0, 1], [2, 0]])], {}
    yield "cast_int", "cast", [A([-1.7, 1.7, 2.5])], dict(dtype="int32")
    yield "cast_bool", "cast", [A([-1.7, 0, 2.5])], dict(dtype="bool")
    yield "cast_uint8", "cast", [A([0.9, 17.2, 200.5])], dict(dtype="uint8")


def networks():
    yield "conv_strides_dilation", "conv", [N(1, 7, 6, 2), N(3, 2, 2, 3)], dict(strides=1, padding="same",
                                                                               dilation_rate=2)
    yield "conv_1d_groups", "conv", [N(2, 7, 4), N(3, 2, 6)], dict(strides=2, padding="valid")
    yield "conv_transpose", "conv_transpose", [N(1, 3, 4, 2), N(3, 2, 3, 2)], dict(strides=2, padding="valid")
    yield "depthwise_conv", "depthwise_conv", [N(1, 5, 6, 2), N(3, 2, 2, 2)], dict(strides=1, padding="same")
    yield "separable_conv", "separable_conv", [N(1, 5, 6, 2), N(3, 2, 2, 2), N(1, 1, 4, 3)], dict(padding="same")
    yield "max_pool", "max_pool", [N(1, 5, 6, 2)], dict(pool_size=[2, 3], strides=[2, 2], padding="same")
    yield "max_pool_ties", "max_pool", [A([[[1.0], [1.0], [1.0], [0.0]]])], dict(pool_size=[2], strides=[1],
                                                                                padding="valid")
    yield "average_pool", "average_pool", [N(1, 5, 6, 2)], dict(pool_size=[2, 3], strides=[2, 2], padding="same")
    yield "batch_normalization", "batch_normalization", [N(3, 4), N(4), U(0.5, 2, 4), N(4), U(0.5, 2, 4)], dict(
        axis=-1, epsilon=0.01)
    yield "layer_normalization", "layer_normalization", [N(3, 4), N(4), N(4)], dict(axis=-1, epsilon=0.01)
    yield "rms_normalization", "rms_normalization", [N(3, 4), N(4)], dict(axis=-1, epsilon=0.01)
    probabilities = lambda rng: np.round(rng.dirichlet(np.ones(4), 3), 3).astype("float32")  # noqa: E731
    yield "categorical_crossentropy", "categorical_crossentropy", [probabilities, probabilities], {}
    yield "categorical_crossentropy_logits", "categorical_crossentropy", [probabilities, N(3, 4)], dict(
        from_logits=True)
    yield "sparse_categorical_crossentropy", "sparse_categorical_crossentropy", [I(0, 4, 3), probabilities], {}
    yield "sparse_categorical_crossentropy_logits", "sparse_categorical_crossentropy", [I(0, 4, 3), N(3, 4)], dict(
        from_logits=True)
    yield "binary_crossentropy", "binary_crossentropy", [U(0, 1, 3, 4), U(0.02, 0.98, 3, 4)], {}
    yield "binary_crossentropy_logits", "binary_crossentropy", [U(0, 1, 3, 4), N(3, 4)], dict(from_logits=True)
    attention = [N(2, 3, 2, 4), N(2, 5, 2, 4), N(2, 5, 2, 4)]
    yield "dot_product_attention", "dot_product_attention", attention, {}
    yield "dot_product_attention_scale", "dot_product_attention", attention, dict(scale=0.3)
    yield "dot_product_attention_causal", "dot_product_attention", [N(1, 4, 2, 3)] * 3, dict(is_causal=True)
    yield "softmax_axes", "softmax", [N(2, 3, 4)], dict(axis=[1, 2])
    for interpolation in ("nearest", "bilinear", "bicubic"):
        yield "resize_" + interpolation, "resize", [N(1, 3, 4, 2)], dict(size=[5, 7], interpolation=interpolation)
    yield "resize_down", "resize", [N(1, 6, 7, 1)], dict(size=[3, 4], interpolation="nearest")


SPECS = [elementwise, reductions, algebra, shapes, picking, networks]
IN_A_LIST = ("concatenate", "stack")


def _call(op, inputs, arguments):
    arguments = dict(arguments)
    if op == "einsum":
        return keras.ops.einsum(arguments["subscripts"], *inputs)
    if op in IN_A_LIST:
        return getattr(keras.ops, op)(list(inputs), **arguments)
    if op == "slice_update":
        return keras.ops.slice_update(inputs[0], arguments["start_indices"], inputs[1])
    if op == "batch_normalization":
        x, mean, variance, offset, scale = inputs
        return keras.ops.batch_normalization(x, mean, variance, offset=offset, scale=scale, **arguments)
    if op == "resize":
        return keras.ops.image.resize(inputs[0], tuple(arguments["size"]), interpolation=arguments["interpolation"])
    # Keras' functions want tuples where JSON has lists.
    arguments = {k: tuple(v) if isinstance(v, list) and op != "tensordot" else v for k, v in arguments.items()}
    namespace = keras.ops.linalg if op in ("inv", "det", "solve", "cholesky") else keras.ops
    return getattr(namespace, op)(*inputs, **arguments)


def _run(name, op, makers, arguments):
    rng = g.rng_for(name)
    inputs = [maker(rng) for maker in makers]
    base = dict(name=name, op=op, inputs=inputs, arguments=arguments)
    if op in ("nonzero", "isclose"):
        outputs = [np.asarray(o) for o in tree.flatten(_call(op, inputs, arguments))]
        return dict(**base, outputs=outputs)
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def function(values):
        full = list(inputs)
        for i, value in zip(floats, values):
            full[i] = value
        return tree.flatten(_call(op, [keras.ops.convert_to_tensor(x) for x in full], arguments))

    values = [inputs[i] for i in floats]
    specs = jax.eval_shape(function, values)
    differentiable = [o for o, s in enumerate(specs) if s.dtype == np.float32]
    if not floats or not differentiable:
        return dict(**base, outputs=[np.asarray(o) for o in jax.jit(function)(values)])
    cotangents = [g.normal(rng, s.shape) for s in specs if s.dtype == np.float32]

    def both(values, cotangents):
        def first(v):
            outputs = function(v)
            return [outputs[i] for i in differentiable], outputs
        _, pullback, outputs = jax.vjp(first, values, has_aux=True)
        return outputs, pullback(cotangents)[0]

    outputs, gradients = jax.jit(both)(values, cotangents)
    gradients = iter(gradients)
    cotangents = iter(cotangents)
    return dict(**base, outputs=[np.asarray(o) for o in outputs],
                cotangents=[next(cotangents) if i in differentiable else None for i in range(len(outputs))],
                input_gradients=[np.asarray(next(gradients)) if i in floats else None for i in range(len(inputs))])


def make(directory):
    cases, failures = [], []
    for section in SPECS:
        for spec in section():
            try:
                cases.append(_run(*spec))
            except Exception as error:
                failures.append(f"{spec[0]}: {type(error).__name__}: {str(error)[:300]}")
    if failures:
        raise RuntimeError("Keras refused\n" + "\n".join(failures))
    return cases
