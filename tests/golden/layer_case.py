"""Runs one layer case in Keras and returns everything that a C++ test needs to repeat it."""

import contextlib
import io
from unittest import mock

import golden_io as g
import h5py
import jax
import keras
import numpy as np
from keras.src import backend, tree
from keras.src.initializers import random_initializers
from keras.src.saving import saving_lib


def case(name, class_name, kwargs, *inputs, **options):
    """Declares a case. `kwargs` are the constructor's arguments, or a function that makes them (for nested layers).

    inputs: shapes (filled with seeded normals) or arrays. Options: style ("tensor" | "list" | "arguments"), masks,
    call (further call arguments; arrays as values are taken as they are), training, weights (name part -> function of
    (rng, shape)), following (number of further calls with fresh inputs), adapt (array), gradients (False: none).
    """
    return dict(name=name, class_name=class_name, kwargs=kwargs, inputs=inputs, **options)


def _random_weight(rng, variable):
    if "variance" in variable.path or "stddev" in variable.path:
        return g.uniform(rng, variable.shape, 0.5, 1.5)
    if variable.name in ("gamma", "scale"):
        return g.uniform(rng, variable.shape, 0.5, 1.5)
    return g.normal(rng, variable.shape, 0.5)


def _file_paths(layer):
    """Where each weight stands in a `.weights.h5`: the datasets are told apart by their (random) values."""
    file = io.BytesIO()
    store = saving_lib.H5IOStore(file, mode="w")
    saving_lib._save_state(layer, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()
    file.seek(0)
    found = {}
    with h5py.File(file, "r") as h5:
        def visit(path, item):
            if isinstance(item, h5py.Dataset):
                found[path] = np.asarray(item)
        h5.visititems(visit)
    paths = []
    for weight in layer.weights:
        value = np.asarray(weight.value)
        hits = [p for p, v in found.items() if v.shape == value.shape and np.array_equal(v, value)]
        paths.append(hits[0] if hits else None)
    return paths


def _is_array(x):
    return isinstance(x, np.ndarray)


class _Runner:
    """Calls the layer as a pure function of weights, inputs and the float arrays among the call arguments."""

    def __init__(self, layer, style, masks, call, training):
        self.layer, self.style, self.masks, self.call, self.training = layer, style, masks, call, training

    def arguments(self, inputs, call):
        inputs = [backend.convert_to_tensor(x) for x in inputs]
        for x, mask in zip(inputs, self.masks or []):
            if mask is not None:
                backend.set_keras_mask(x, backend.convert_to_tensor(mask))
        kwargs = dict(call)
        if self.layer._call_has_training_arg:
            kwargs["training"] = self.training
        if self.style == "tensor":
            return (inputs[0],), kwargs
        if self.style == "list":
            return (inputs,), kwargs
        return tuple(inputs), kwargs

    def eager(self, inputs):
        args, kwargs = self.arguments(inputs, self.call)
        return tree.flatten(self.layer(*args, **kwargs))

    def build(self, inputs):
        """A call with symbols: it makes the weights, and jax compiles nothing for it."""
        inputs = [keras.KerasTensor(x.shape, dtype=x.dtype.name) for x in inputs]
        args = {"tensor": (inputs[0],), "list": (inputs,)}.get(self.style, tuple(inputs))
        self.layer(*args, **self.call)

    def pure(self, frozen):
        def function(trainable, inputs, call):
            args, kwargs = self.arguments(inputs, call)
            layer = self.layer
            mapping = list(zip(layer.trainable_variables + layer.non_trainable_variables, list(trainable) + frozen))
            # Layer.stateless_call would go past __call__, where masks and activity losses are handled.
            with backend.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
                outputs = layer(*args, **kwargs)
                losses = layer.losses
            after = [scope.get_current_value(v) for v in layer.non_trainable_variables]
            flat = [backend.convert_to_tensor(o) for o in tree.flatten(outputs)]
            masks = [backend.get_keras_mask(o) for o in tree.flatten(outputs)]
            return flat, (after, losses, masks)
        return function


def _initial_uniform(shape, *args, dtype=None, **kwargs):
    return backend.convert_to_tensor(np.full(shape, 0.01, "float32"))


class _NoInitialisers(contextlib.ExitStack):
    """Initial values are overwritten by seeded ones anyway, and jax would compile a random stream for each shape."""

    def __init__(self):
        super().__init__()
        for name in ("uniform", "normal", "truncated_normal"):
            self.enter_context(mock.patch.object(random_initializers.random, name, _initial_uniform))
        self.enter_context(mock.patch.object(
            keras.initializers.Orthogonal, "__call__", lambda self, shape, dtype=None: _initial_uniform(shape)))


def _to_numpy(values):
    return [None if v is None else np.asarray(v) for v in values]


def _float_only(gradients, values):
    return [np.asarray(gradient) if value.dtype.kind == "f" else None for gradient, value in zip(gradients, values)]


def _output_shape(runner, inputs, stateful):
    """Symbolic output shape with an unknown batch (a known one where the layer is stateful)."""
    tensors = [keras.KerasTensor(x.shape if stateful else (None,) + x.shape[1:], dtype=x.dtype.name) for x in inputs]
    args = {"tensor": (tensors[0],), "list": (tensors,)}.get(runner.style, tuple(tensors))
    try:
        return [list(o.shape) for o in tree.flatten(runner.layer.compute_output_spec(*args, **runner.call))]
    except Exception:
        return None


def run(spec):
    g.reset()
    rng = g.rng_for(spec["name"])
    kwargs = spec["kwargs"]() if callable(spec["kwargs"]) else spec["kwargs"]
    layer = getattr(keras.layers, spec["class_name"])(**kwargs)
    config = g.config_of(layer)
    inputs = [x if _is_array(x) else g.normal(rng, x) for x in (v(rng) if callable(v) else v for v in spec["inputs"])]
    call = spec.get("call", {})
    call = call(rng) if callable(call) else call
    masks = spec.get("masks")
    training = spec.get("training", False)
    runner = _Runner(layer, spec.get("style", "tensor"), masks, call, training)

    if "adapt" in spec:
        data = spec["adapt"](rng)
        layer.adapt(data)
    with _NoInitialisers():
        runner.build(inputs)
    makers = spec.get("weights", {})
    for weight in layer.weights:
        if "adapt" in spec or weight.dtype != "float32":
            continue
        maker = next((m for key, m in makers.items() if key in weight.path), None)
        weight.assign(maker(rng, weight.shape) if maker else _random_weight(rng, weight))
    weights = [np.asarray(w.value) for w in layer.weights]
    if getattr(layer, "stateful", False):
        layer.reset_states()

    trainable = [v.value for v in layer.trainable_variables]
    frozen = [v.value for v in layer.non_trainable_variables]
    arrays = {k: v for k, v in call.items() if any(_is_array(leaf) for leaf in tree.flatten(v))}
    fixed = {k: v for k, v in call.items() if k not in arrays}
    pure = runner.pure(frozen)

    def function(trainable, float_inputs, arrays):
        values = iter(float_inputs)
        full = [next(values) if x.dtype.kind == "f" else x for x in inputs]
        return pure(trainable, full, {**fixed, **arrays})

    float_inputs = [x for x in inputs if x.dtype.kind == "f"]
    float_arrays = {k: v for k, v in arrays.items() if all(leaf.dtype.kind == "f" for leaf in tree.flatten(v))}
    other_arrays = {k: v for k, v in arrays.items() if k not in float_arrays}
    shapes = jax.eval_shape(lambda t, i, a: function(t, i, {**a, **other_arrays})[0], trainable, float_inputs,
                            float_arrays)
    cotangents = [g.normal(rng, s.shape) for s in shapes]

    def whole(trainable, float_inputs, float_arrays, cotangents):
        outputs, pullback, aux = jax.vjp(lambda t, i, a: function(t, i, {**a, **other_arrays}), trainable,
                                         float_inputs, float_arrays, has_aux=True)
        return outputs, aux, pullback(cotangents)

    outputs, (after, losses, out_masks), (d_weights, d_inputs, d_arrays) = jax.jit(whole)(
        trainable, float_inputs, float_arrays, cotangents)

    if spec["class_name"] == "MultiHeadAttention":
        out_masks[1:] = [None] * len(out_masks[1:])  # the inner Softmax leaves the attention mask on the scores
    output_shapes = _output_shape(runner, inputs, getattr(layer, "stateful", False))
    if output_shapes and [s[1:] for s in output_shapes] != [list(o.shape[1:]) for o in outputs]:
        print(f"{spec['name']}: Keras infers {output_shapes} but returns {[o.shape for o in outputs]}; left out")
        output_shapes = None
    d_inputs = iter(d_inputs)
    files = _file_paths(layer)
    trainable_ids = {id(v): i for i, v in enumerate(layer.trainable_variables)}
    result = dict(
        name=spec["name"], class_name=spec["class_name"], config=config, training=training,
        call_style=runner.style, inputs=inputs, masks=masks, call_arguments=call,
        weights=[dict(path=w.path.split("/", 1)[-1], file_path=f, trainable=id(w) in trainable_ids, value=v)
                 for w, f, v in zip(layer.weights, files, weights)],
        outputs=_to_numpy(outputs), output_masks=_to_numpy(out_masks),
        output_shapes=output_shapes,
        losses=[float(v) for v in losses], cotangents=cotangents,
        input_gradients=[np.asarray(next(d_inputs)) if x.dtype.kind == "f" else None for x in inputs],
        weight_gradients=[np.asarray(d_weights[trainable_ids[id(w)]]) if id(w) in trainable_ids else None
                          for w in layer.weights])
    if float_arrays:
        result["call_argument_gradients"] = tree.map_structure(np.asarray, d_arrays)
    if not spec.get("gradients", True):
        for key in ("cotangents", "input_gradients", "weight_gradients"):
            del result[key]
    # Wrappers differ by build_config alone; LayerNormalization's built axes are negative in 3.15, positive in 3.16.
    if g.config_of(layer) != config and not isinstance(
            layer, (keras.layers.Bidirectional, keras.layers.Wrapper, keras.layers.LayerNormalization)):
        result["built_config"] = g.config_of(layer)
    if training and layer.non_trainable_weights:
        by_id = {id(v): value for v, value in zip(layer.non_trainable_variables, after)}
        result["weights_after"] = [np.asarray(by_id.get(id(w), w.value)) for w in layer.weights]
    if "adapt" in spec:
        result["adapt"] = data
    if spec.get("following"):
        if getattr(layer, "stateful", False):
            layer.reset_states()
        runner.eager(inputs)
        result["following_calls"] = []
        for _ in range(spec["following"]):
            more = [g.normal(rng, x.shape) for x in inputs]
            result["following_calls"].append(dict(inputs=more, outputs=_to_numpy(runner.eager(more))))
    return {k: v for k, v in result.items() if v is not None}
