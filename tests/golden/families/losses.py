"""The losses of the first version: values by reduction, weights, masks, and the gradient by y_pred."""

import golden_io as g
import jax
import keras
import numpy as np
from keras.src import backend

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight")


def run(name, class_name, kwargs, y_true, y_pred, sample_weight=None, mask=None):
    g.reset()
    rng = g.rng_for(name)
    y_true, y_pred, sample_weight = (v(rng) if callable(v) else v for v in (y_true, y_pred, sample_weight))
    loss = getattr(keras.losses, class_name)(**kwargs)

    def value_of(prediction):
        prediction = backend.convert_to_tensor(prediction)
        if mask is not None:
            backend.set_keras_mask(prediction, backend.convert_to_tensor(mask))
        return loss(y_true, prediction, sample_weight)

    whole = kwargs.get("reduction", "sum") == "none"
    cotangent = g.normal(rng, jax.eval_shape(value_of, y_pred).shape) if whole else np.float32(1)

    def both(prediction):
        value, pullback = jax.vjp(value_of, prediction)
        return value, pullback(value.dtype.type(1) * cotangent)[0]

    value, gradient = jax.jit(both)(y_pred)
    result = dict(name=name, class_name=class_name, config=g.config_of(loss), arguments=kwargs, y_true=y_true, y_pred=y_pred,
                  sample_weight=sample_weight, mask=mask, reduction=loss.reduction, value=np.asarray(value),
                  cotangent=np.asarray(cotangent) if whole else None, gradient=np.asarray(gradient))
    return {k: v for k, v in result.items() if v is not None}


def probabilities(shape):
    return lambda rng: np.round(rng.dirichlet(np.ones(shape[-1]), shape[:-1]), 3).astype("float32")


def one_hot(shape):
    return lambda rng: np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]


def labels(shape, classes, dtype="int32"):
    return lambda rng: g.integers(rng, shape, 0, classes, dtype)


def normals(shape, scale=1.0):
    return lambda rng: g.normal(rng, shape, scale)


def uniforms(shape, low=0.02, high=0.98):
    return lambda rng: g.uniform(rng, shape, low, high)


MASK = np.array([1, 0, 1, 1, 0], bool)
STEP_MASK = np.array([[1, 1, 0], [0, 1, 1]], bool)
EMPTY_MASK = np.zeros(5, bool)

# class: (y_true, y_pred) makers of a shape
KINDS = {
    "MeanSquaredError": (normals, normals),
    "MeanAbsoluteError": (normals, normals),
    "Huber": (normals, normals),
    "BinaryCrossentropy": (lambda s: labels(s, 2), uniforms),
    "CategoricalCrossentropy": (one_hot, probabilities),
    "SparseCategoricalCrossentropy": (lambda s: labels(s[:-1], s[-1]), probabilities),
}


def common(kinds):
    """What every loss goes through: reductions with and without weights, masks, ranks, odd sizes."""
    for class_name, (true, pred) in kinds.items():
        def make(tail, kwargs, shape, class_name=class_name, true=true, pred=pred, **options):
            return run(f"{class_name}_{tail}", class_name, kwargs, true(shape), pred(shape), **options)

        for reduction in REDUCTIONS:
            yield make(reduction, dict(reduction=reduction), (5, 3))
            yield make(reduction + "_weights", dict(reduction=reduction), (5, 3), sample_weight=uniforms((5,)))
            yield make(reduction + "_mask", dict(reduction=reduction), (5, 3), mask=MASK)
            yield make(reduction + "_mask_weights", dict(reduction=reduction), (5, 3), mask=MASK,
                       sample_weight=uniforms((5,)))
        yield make("weights_column", dict(), (5, 3), sample_weight=uniforms((5, 1)))
        yield make("scalar_weight", dict(), (5, 3), sample_weight=np.float32(0.4) * np.ones((), "float32"))
        yield make("zero_weights", dict(reduction="mean_with_sample_weight"), (5, 3),
                   sample_weight=np.zeros(5, "float32"))
        yield make("empty_mask", dict(), (5, 3), mask=EMPTY_MASK)
        yield make("rank3", dict(), (2, 3, 4))
        yield make("rank3_none", dict(reduction="none"), (2, 3, 4))
        yield make("rank3_step_weights", dict(), (2, 3, 4), sample_weight=uniforms((2, 3)))
        yield make("rank3_step_mask", dict(), (2, 3, 4), mask=STEP_MASK)
        yield make("rank3_step_mask_weights", dict(), (2, 3, 4), mask=STEP_MASK, sample_weight=uniforms((2, 3)))
        yield make("one_sample", dict(), (1, 3))


def special():
    for name, shapes in (("true_rank1", ((5,), (5, 1))), ("pred_rank1", ((5, 1), (5,))), ("both_rank1", ((5,), (5,)))):
        for class_name in ("MeanSquaredError", "MeanAbsoluteError", "Huber"):
            yield run(f"{class_name}_{name}", class_name, dict(), normals(shapes[0]), normals(shapes[1]))
        yield run(f"BinaryCrossentropy_{name}", "BinaryCrossentropy", dict(), labels(shapes[0], 2), uniforms(shapes[1]))
    yield run("Huber_delta", "Huber", dict(delta=0.3), normals((5, 3)), normals((5, 3)))
    yield run("Huber_delta_large", "Huber", dict(delta=5.0), normals((5, 3)), normals((5, 3), 4.0))
    bce = "BinaryCrossentropy"
    yield run("BinaryCrossentropy_logits", bce, dict(from_logits=True), labels((5, 3), 2), normals((5, 3), 3.0))
    yield run("BinaryCrossentropy_smoothing", bce, dict(label_smoothing=0.2), labels((5, 3), 2), uniforms((5, 3)))
    yield run("BinaryCrossentropy_logits_smoothing", bce, dict(from_logits=True, label_smoothing=0.1),
              labels((5, 1), 2), normals((5, 1), 3.0))
    yield run("BinaryCrossentropy_axis", bce, dict(axis=1, reduction="none"), labels((2, 3, 4), 2), uniforms((2, 3, 4)))
    yield run("BinaryCrossentropy_certain", bce, dict(reduction="none"), np.array([[0, 1], [1, 0]], "float32"),
              np.array([[0, 1], [0, 1]], "float32"))
    yield run("BinaryCrossentropy_large_logits", bce, dict(from_logits=True, reduction="none"),
              np.array([[0, 1], [1, 0]], "float32"), np.array([[90, 95], [-80, -70]], "float32"))
    cce = "CategoricalCrossentropy"
    yield run("CategoricalCrossentropy_logits", cce, dict(from_logits=True), one_hot((5, 3)), normals((5, 3), 3.0))
    yield run("CategoricalCrossentropy_smoothing", cce, dict(label_smoothing=0.1), one_hot((5, 3)),
              probabilities((5, 3)))
    yield run("CategoricalCrossentropy_logits_smoothing", cce, dict(from_logits=True, label_smoothing=0.3),
              one_hot((5, 4)), normals((5, 4), 2.0))
    yield run("CategoricalCrossentropy_axis", cce, dict(axis=1), lambda rng: np.moveaxis(one_hot((2, 4, 3))(rng), -1, 1).
              copy(), lambda rng: np.moveaxis(probabilities((2, 4, 3))(rng), -1, 1).copy())
    yield run("CategoricalCrossentropy_unnormalised", cce, dict(), one_hot((5, 3)), uniforms((5, 3), 0.1, 3.0))
    yield run("CategoricalCrossentropy_soft_labels", cce, dict(), probabilities((5, 3)), probabilities((5, 3)))
    yield run("CategoricalCrossentropy_certain", cce, dict(reduction="none"), np.eye(3, dtype="float32"),
              np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], "float32"))
    scce = "SparseCategoricalCrossentropy"
    yield run("SparseCategoricalCrossentropy_logits", scce, dict(from_logits=True), labels((5,), 3),
              normals((5, 3), 3.0))
    yield run("SparseCategoricalCrossentropy_column", scce, dict(), labels((5, 1), 3), probabilities((5, 3)))
    yield run("SparseCategoricalCrossentropy_float_labels", scce, dict(), labels((5,), 3, "float32"),
              probabilities((5, 3)))
    yield run("SparseCategoricalCrossentropy_uint8_labels", scce, dict(), labels((5,), 3, "uint8"),
              probabilities((5, 3)))
    yield run("SparseCategoricalCrossentropy_logits_rank3", scce, dict(from_logits=True, reduction="none"),
              labels((2, 3), 4), normals((2, 3, 4), 2.0))
    for reduction in REDUCTIONS:
        yield run(f"SparseCategoricalCrossentropy_ignore_class_{reduction}", scce, dict(
            ignore_class=1, from_logits=True, reduction=reduction), np.array([0, 1, 2, 1, 0], "int32"),
            normals((5, 3), 2.0))
    yield run("SparseCategoricalCrossentropy_ignore_negative", scce, dict(ignore_class=-1, from_logits=True),
              np.array([0, -1, 2, -1, 0], "int32"), normals((5, 3), 2.0))
    yield run("SparseCategoricalCrossentropy_ignore_class_mask_weights", scce, dict(ignore_class=1),
              np.array([0, 1, 2, 1, 0], "int32"), probabilities((5, 3)), sample_weight=uniforms((5,)), mask=MASK)


def make(directory):
    return list(common(KINDS)) + list(special())
