"""SimpleRNN, LSTM, GRU, Bidirectional and TimeDistributed: sequences, states, masks, directions."""

import golden_io as g
import keras
import numpy as np
from layer_case import case

RIGHT = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
LEFT = np.array([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool)
HOLES = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
X = (3, 5, 2)
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}


def _initial(count, units, batch=3):
    return lambda rng: dict(initial_state=[g.normal(rng, (batch, units), 0.5) for _ in range(count)])


def _recurrent():
    for layer, states in STATES.items():
        p = layer.lower()
        yield case(p, layer, dict(units=3), X)
        yield case(f"{p}_sequences", layer, dict(units=3, return_sequences=True), X)
        yield case(f"{p}_state", layer, dict(units=2, return_state=True), X)
        yield case(f"{p}_sequences_state", layer, dict(units=2, return_sequences=True, return_state=True), X)
        yield case(f"{p}_backwards", layer, dict(units=2, go_backwards=True, return_sequences=True,
                                                 return_state=True), X)
        yield case(f"{p}_no_bias", layer, dict(units=3, use_bias=False), X)
        yield case(f"{p}_unroll", layer, dict(units=2, unroll=True, return_sequences=True), X)
        yield case(f"{p}_one_step", layer, dict(units=3, return_sequences=True), (2, 1, 3))
        yield case(f"{p}_one_sample", layer, dict(units=1), (1, 4, 1))
        yield case(f"{p}_initial_state", layer, dict(units=2, return_sequences=True, return_state=True), X,
                   call=_initial(states, 2))
        yield case(f"{p}_rate0_training", layer, dict(units=2, dropout=0.0, recurrent_dropout=0.0), X, training=True)
        yield case(f"{p}_dropout_inference", layer, dict(units=2, dropout=0.3, recurrent_dropout=0.4, seed=7), X)
        yield case(f"{p}_activation", layer, dict(units=2, activation="relu", return_sequences=True), X)
        for name, mask in (("right", RIGHT), ("left", LEFT), ("holes", HOLES)):
            yield case(f"{p}_masked_{name}", layer, dict(units=2), X, masks=[mask])
            yield case(f"{p}_masked_{name}_sequences", layer, dict(units=2, return_sequences=True, return_state=True),
                       X, masks=[mask])
            yield case(f"{p}_masked_{name}_backwards", layer, dict(units=2, go_backwards=True, return_sequences=True),
                       X, masks=[mask])
        yield case(f"{p}_masked_zero_output", layer, dict(units=2, return_sequences=True, zero_output_for_mask=True), X,
                   masks=[HOLES])
        # No case of a mask beside an initial state: Keras' backends disagree on the outputs before the first step that
        # counts (jax and numpy give the initial state, TensorFlow and unrolled loops zeros, as Nyala does).
        yield case(f"{p}_stateful", layer, dict(units=2, stateful=True, return_sequences=True), X, following=2)
        yield case(f"{p}_stateful_state", layer, dict(units=2, stateful=True, return_state=True), X, following=1)
        yield case(f"{p}_regularizers", layer, dict(
            units=2, kernel_regularizer="l1", recurrent_regularizer="l2", bias_regularizer="l1",
            activity_regularizer="l2", kernel_constraint="max_norm", bias_initializer="ones",
            recurrent_initializer="glorot_uniform"), X)


SPECIFIC = [
    case("lstm_options", "LSTM", dict(units=2, activation="softsign", recurrent_activation="hard_sigmoid",
                                      unit_forget_bias=False, return_sequences=True), X),
    case("gru_reset_before", "GRU", dict(units=3, reset_after=False), X),
    case("gru_reset_before_sequences", "GRU", dict(units=2, reset_after=False, return_sequences=True,
                                                   return_state=True), X, masks=[HOLES]),
    case("gru_reset_before_no_bias", "GRU", dict(units=2, reset_after=False, use_bias=False), X),
    case("gru_reset_before_backwards", "GRU", dict(units=2, reset_after=False, go_backwards=True), X, masks=[RIGHT]),
    case("gru_options", "GRU", dict(units=2, activation="softsign", recurrent_activation="hard_sigmoid"), X),
]


def _wrap(inner, **kwargs):
    return lambda: dict(layer=inner(), **kwargs)


def _bidirectional():
    for mode in ("concat", "sum", "mul", "ave", None):
        yield case(f"bidirectional_lstm_{mode}", "Bidirectional",
                   _wrap(lambda: keras.layers.LSTM(2), merge_mode=mode), X)
        yield case(f"bidirectional_gru_{mode}_sequences", "Bidirectional",
                   _wrap(lambda: keras.layers.GRU(2, return_sequences=True), merge_mode=mode), X)
        yield case(f"bidirectional_rnn_{mode}_masked", "Bidirectional",
                   _wrap(lambda: keras.layers.SimpleRNN(2, return_sequences=True), merge_mode=mode), X, masks=[RIGHT])
    for name, mask in (("right", RIGHT), ("left", LEFT), ("holes", HOLES)):
        yield case(f"bidirectional_lstm_masked_{name}", "Bidirectional", _wrap(lambda: keras.layers.LSTM(2)), X,
                   masks=[mask])
        yield case(f"bidirectional_gru_masked_{name}_sequences", "Bidirectional",
                   _wrap(lambda: keras.layers.GRU(2, return_sequences=True, return_state=True)), X, masks=[mask])
    yield case("bidirectional_lstm_state", "Bidirectional",
               _wrap(lambda: keras.layers.LSTM(2, return_sequences=True, return_state=True)), X)
    yield case("bidirectional_lstm_initial_state", "Bidirectional", _wrap(lambda: keras.layers.LSTM(2)), X,
               call=_initial(4, 2))
    yield case("bidirectional_two_layers", "Bidirectional", lambda: dict(
        layer=keras.layers.LSTM(2, return_sequences=True),
        backward_layer=keras.layers.GRU(3, return_sequences=True, go_backwards=True)), X)
    yield case("bidirectional_stateful", "Bidirectional",
               _wrap(lambda: keras.layers.GRU(2, stateful=True, return_sequences=True)), X, following=1)


DISTRIBUTED = [
    case("time_distributed_dense", "TimeDistributed", _wrap(lambda: keras.layers.Dense(3, activation="relu")),
         (2, 4, 3)),
    case("time_distributed_conv", "TimeDistributed", _wrap(lambda: keras.layers.Conv2D(2, 2)), (2, 3, 3, 4, 1)),
    case("time_distributed_masked", "TimeDistributed", _wrap(lambda: keras.layers.Dense(2)), X, masks=[RIGHT]),
    case("time_distributed_flatten", "TimeDistributed", _wrap(lambda: keras.layers.Flatten()), (2, 3, 2, 2)),
    case("time_distributed_batch_normalization", "TimeDistributed", _wrap(
        lambda: keras.layers.BatchNormalization()), (2, 3, 4), training=True),
    case("time_distributed_lstm", "TimeDistributed", _wrap(lambda: keras.layers.LSTM(2)), (2, 3, 2, 3)),
]

CASES = list(_recurrent()) + SPECIFIC + list(_bidirectional()) + DISTRIBUTED
