"""Writes keras_values/*.hpp: what Keras (jax backend, float64) gives for the calls of nn_keras_test.cpp.

    /opt/kv/bin/python tests/ops/nn_keras_values.py
"""

import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

import keras
import numpy as np
from keras import activations, ops

keras.config.set_floatx("float64")


def numbers(shape, phase, scale=1.0, offset=0.0):
    count = int(np.prod(shape))
    return (np.sin(1.7 * np.arange(count) + phase) * scale + offset).reshape(shape)


def activation_cases():
    x = numbers((3, 4), 0.4, 2.5)
    names = [
        "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "sigmoid", "log_sigmoid", "hard_sigmoid", "silu",
        "hard_silu", "softplus", "softsign", "mish", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink",
        "squareplus", "sparse_plus", "sparse_sigmoid", "exponential", "glu", "softmax", "log_softmax", "sparsemax",
    ]
    for name in names:
        yield name, getattr(activations, name)(x)
    yield "relu_with_all", activations.relu(x, negative_slope=0.1, max_value=1.5, threshold=0.25)
    yield "relu_negative_threshold", activations.relu(x, negative_slope=0.1, max_value=1.5, threshold=-0.5)
    yield "relu_slope_and_maximum", activations.relu(x, negative_slope=0.2, max_value=6.0)
    yield "gelu_approximate", activations.gelu(x, approximate=True)
    yield "threshold", ops.threshold(x, 0.5, 20.0)


def convolution_cases():
    x = numbers((2, 5, 6, 4), 0.1)
    yield "conv_same", ops.conv(x, numbers((3, 2, 4, 3), 0.2), strides=(2, 3), padding="same")
    yield "conv_dilated", ops.conv(x, numbers((3, 2, 4, 3), 0.2), padding="same", dilation_rate=(2, 1))
    yield "conv_groups", ops.conv(x, numbers((2, 2, 2, 6), 0.2), padding="valid")
    yield "depthwise", ops.depthwise_conv(x, numbers((3, 3, 4, 2), 0.2), strides=2, padding="same")
    yield "separable", ops.separable_conv(
        x, numbers((3, 3, 4, 2), 0.2), numbers((1, 1, 8, 3), 0.3), strides=2, padding="same"
    )
    line = numbers((1, 6, 2), 0.1)
    causal = keras.layers.Conv1D(3, 3, strides=2, padding="causal", use_bias=False)
    causal.build(line.shape)
    causal.kernel.assign(numbers((3, 2, 3), 0.2))
    yield "conv_causal", causal(line)


def transposed_convolution_cases():
    small = numbers((1, 3, 4, 2), 0.1)
    for padding in ("valid", "same"):
        for strides in (1, 2, 3):
            for size in (2, 3):
                for more in (None, 1, 2):
                    if more is not None and more >= strides:
                        continue
                    name = f"transpose_{padding}_{strides}_{size}_{'none' if more is None else more}"
                    yield name, ops.conv_transpose(
                        small, numbers((size, size, 1, 2), 0.2), strides=strides, padding=padding, output_padding=more
                    )
    yield "transpose_dilated", ops.conv_transpose(small, numbers((3, 2, 1, 2), 0.2), padding="same", dilation_rate=2)


def pooling_cases():
    x = numbers((1, 5, 6, 2), 0.1)
    for padding in ("valid", "same"):
        yield f"max_pool_{padding}", ops.max_pool(x, (3, 2), strides=(2, 2), padding=padding)
        yield f"average_pool_{padding}", ops.average_pool(x, (3, 2), strides=(2, 2), padding=padding)


def normalisation_cases():
    x = numbers((3, 2, 4), 0.1, 2.0, 0.5)
    layer = keras.layers.BatchNormalization(axis=1, epsilon=1e-3, momentum=0.0)
    layer.build(x.shape)
    layer.gamma.assign(numbers((2,), 0.2))
    layer.beta.assign(numbers((2,), 0.3))
    yield "batch_norm", layer(x, training=True)
    yield "batch_norm_mean", layer.moving_mean
    yield "batch_norm_variance", layer.moving_variance
    yield "batch_norm_inference", ops.batch_normalization(
        x, numbers((4,), 0.2), numbers((4,), 0.3, 0.5, 1.0), -1, numbers((4,), 0.4), numbers((4,), 0.5), 1e-3
    )
    masked = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.0)
    masked.build(x.shape)
    mask = np.array([[True, False], [True, True], [False, True]])
    yield "batch_norm_masked", masked(x, training=True, mask=mask)
    yield "batch_norm_masked_variance", masked.moving_variance
    yield "layer_norm", ops.layer_normalization(x, numbers((4,), 0.2), numbers((4,), 0.3), -1, 1e-3)
    yield "layer_norm_axes", ops.layer_normalization(x, numbers((3, 4), 0.2), numbers((3, 4), 0.3), (0, 2), 1e-3)
    group = keras.layers.GroupNormalization(2)
    group.build(x.shape)
    group.gamma.assign(numbers((4,), 0.2))
    group.beta.assign(numbers((4,), 0.3))
    yield "group_norm", group(x)
    yield "rms_norm", ops.rms_normalization(x, numbers((4,), 0.2))


def crossentropy_cases():
    target = np.array(ops.softmax(numbers((3, 4), 0.2)))
    output = numbers((3, 4), 0.9, 0.3, 0.35)
    labels = np.array([0, 3, 2])
    for logits in (True, False):
        name = "logits" if logits else "probabilities"
        yield f"categorical_{name}", ops.categorical_crossentropy(target, output, from_logits=logits)
        yield f"categorical_first_{name}", ops.categorical_crossentropy(target, output, from_logits=logits, axis=0)
        yield f"sparse_{name}", ops.sparse_categorical_crossentropy(labels, output, from_logits=logits)
        yield f"binary_{name}", ops.binary_crossentropy(target, output, from_logits=logits)


def attention_cases():
    query, key, value = numbers((2, 3, 2, 4), 0.1), numbers((2, 5, 2, 4), 0.2), numbers((2, 5, 2, 3), 0.3)
    value = numbers((2, 5, 2, 4), 0.3)
    bias = numbers((1, 2, 3, 5), 0.4)
    mask = np.array(numbers((2, 1, 3, 5), 0.9) > -0.6)
    mask[0, 0, 1] = False
    yield "attention", ops.dot_product_attention(query, key, value)
    yield "attention_masked", ops.dot_product_attention(query, key, value, bias=bias, mask=mask, scale=0.3)
    yield "attention_causal", ops.dot_product_attention(query, key, value, is_causal=True)


def resize_cases():
    x = numbers((1, 3, 4, 2), 0.1)
    for name in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        yield f"resize_{name}_larger", ops.image.resize(x, (5, 7), interpolation=name)
        yield f"resize_{name}_smaller", ops.image.resize(x, (2, 3), interpolation=name)


def recurrent_cases():
    x = numbers((2, 4, 3), 0.1).astype("float32")
    h0, c0 = numbers((2, 2), 0.2, 0.7).astype("float32"), numbers((2, 2), 0.6, 0.5).astype("float32")
    mask = np.array([[True, False, True, True], [True, True, False, False]])

    def run(layer, gates, bias_shape, states, **arguments):
        layer.build(x.shape)
        cell = layer.cell
        cell.kernel.assign(numbers((3, 2 * gates), 0.3, 0.8))
        cell.recurrent_kernel.assign(numbers((2, 2 * gates), 0.4, 0.9))
        cell.bias.assign(numbers(bias_shape, 0.5, 0.6))
        outputs = layer(x, initial_state=states, **arguments)
        return np.concatenate([np.ravel(np.asarray(each)) for each in outputs])

    options = {"return_sequences": True, "return_state": True, "dtype": "float32"}
    for name, more, arguments in (
        ("plain", {}, {}),
        ("masked", {}, {"mask": mask}),
        ("backwards", {"go_backwards": True, "zero_output_for_mask": True}, {"mask": mask}),
        ("activations", {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}, {}),
    ):
        simple = {key: value for key, value in more.items() if key != "recurrent_activation"}
        layers = keras.layers
        yield f"lstm_{name}", run(layers.LSTM(2, **options, **more), 4, (8,), [h0, c0], **arguments)
        yield f"gru_{name}", run(layers.GRU(2, **options, **more), 3, (2, 6), [h0], **arguments)
        yield f"gru_before_{name}", run(
            layers.GRU(2, reset_after=False, **options, **more), 3, (6,), [h0], **arguments
        )
        yield f"simple_{name}", run(layers.SimpleRNN(2, **options, **simple), 1, (2,), [h0], **arguments)


FAMILIES = {
    "activation": activation_cases,
    "convolution": convolution_cases,
    "transposed_convolution": transposed_convolution_cases,
    "pooling": pooling_cases,
    "normalisation": normalisation_cases,
    "crossentropy": crossentropy_cases,
    "attention": attention_cases,
    "resizing": resize_cases,
    "recurrent": recurrent_cases,
}
# jax computes the softmax of attention in float32; Keras adds in float32 in its recurrent cells.
IN_FLOAT32 = ["attention", "recurrent"]


def entry(name, texts):
    line = f'    {{"{name}", {{'
    for index, text in enumerate(texts):
        piece = text + (", " if index + 1 < len(texts) else "")
        if len(line) + len(piece) > 118:
            yield line.rstrip()
            line = "      "
        line += piece
    yield line + "}},"


def main():
    for family, cases in FAMILIES.items():
        lines = [
            "#pragma once",
            "",
            '#include "values.hpp"',
            "",
            f"// Made by nn_keras_values.py with Keras {keras.__version__}.",
            "",
            "namespace nn {",
            "",
            "// clang-format off",
            f"inline const Values& {family}_values() {{",
            "  static const Values values{",
        ]
        for name, value in cases():
            flat = np.ravel(np.asarray(value))
            assert flat.dtype == np.float64 or family in IN_FLOAT32, (name, flat.dtype)
            lines += entry(name, [f"{number:.11g}" for number in flat])
        lines += ["  };", "  return values;", "}", "// clang-format on", "", "}  // namespace nn", ""]
        pathlib.Path(__file__).with_name("keras_values").joinpath(f"{family}.hpp").write_text("\n".join(lines))


main()
