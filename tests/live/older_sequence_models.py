"""Networks for sequences: recurrent ones, attention, text, films. Each function gives a model, its inputs, and its
targets or None."""

import numpy as np

from older_models_kit import L, M, NEW, NUMBERS, classes, floats, integers, keras, rate, rng


def seq2seq():
    source, target = L.Input((None, 6)), L.Input((None, 5))
    _, h, c = L.LSTM(7, return_state=True, name="encoder")(source)
    decoded, _, _ = L.LSTM(7, return_sequences=True, return_state=True, name="decoder")(target, initial_state=[h, c])
    model = M.Model([source, target], L.Dense(5, activation="softmax")(decoded))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return model, [floats(4, 6, 6), floats(4, 5, 5)], [classes(5, 4, 5)]


def gru_seq2seq():
    source, target = L.Input((5,), dtype="int32"), L.Input((4,), dtype="int32")
    encoded, state = L.GRU(6, return_sequences=True, return_state=True)(L.Embedding(12, 4, mask_zero=True)(source))
    decoded = L.GRU(6, return_sequences=True)(L.Embedding(12, 4)(target), initial_state=state)
    weights = L.Activation("softmax")(L.Dot(axes=[2, 2])([decoded, encoded]))
    context = L.dot([weights, encoded], axes=[2, 1])
    model = M.Model([source, target], L.TimeDistributed(L.Dense(12, activation="softmax"))(
        L.concatenate([context, decoded])))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, [integers(12, 4, 5), integers(12, 4, 4)], [integers(12, 4, 4, 1)]


def masked_bidirectional():
    model = M.Sequential()
    model.add(L.Embedding(15, 6, mask_zero=True, input_length=7) if not NEW else L.Embedding(15, 6, mask_zero=True))
    model.add(L.Bidirectional(L.GRU(5, return_sequences=True), input_shape=(7, 6)) if not NEW else
              L.Bidirectional(L.GRU(5, return_sequences=True)))
    model.add(L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="sum"))
    model.add(L.Bidirectional(L.LSTM(3), merge_mode="mul"))
    model.add(L.Dense(1, activation="sigmoid"))
    if NEW:
        model.build((None, 7))
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    return model, [integers(15, 5, 7)], [integers(2, 5, 1).astype("float32")]


def tagger():
    """The mask reaches the loss."""
    words = L.Input((6,))
    x = L.Masking(mask_value=-1.0)(L.Reshape((6, 1))(words))
    x = L.Bidirectional(L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid"))(x)
    model = M.Model(words, L.TimeDistributed(L.Dense(3, activation="softmax"))(x))
    model.compile("adam", "categorical_crossentropy", metrics=["categorical_accuracy"])
    return model, [np.where(rng.uniform(size=(5, 6)) < 0.3, -1, floats(5, 6)).astype("float32")], [classes(3, 5, 6)]


def video():
    model = M.Sequential(name="video")
    model.add(L.TimeDistributed(L.Conv2D(3, (3, 3), activation="relu"), input_shape=(4, 10, 10, 1)))
    model.add(L.TimeDistributed(L.BatchNormalization()))
    model.add(L.TimeDistributed(L.MaxPooling2D(2)))
    model.add(L.TimeDistributed(L.Flatten()))
    model.add(L.LSTM(6, dropout=0.0, recurrent_dropout=0.0, unit_forget_bias=False))
    model.add(L.Dense(2, activation="softmax"))
    model.compile(keras.optimizers.Adagrad(**rate(0.05)), "kl_divergence" if NEW else "kullback_leibler_divergence")
    return model, [floats(4, 4, 10, 10, 1)], [classes(2, 4)]


def wavenet():
    x = wave = L.Input((24, 1))
    skips = []
    for dilation in (1, 2, 4):
        gate = L.Conv1D(4, 2, dilation_rate=dilation, padding="causal", activation="sigmoid")(x)
        y = L.Conv1D(4, 2, dilation_rate=dilation, padding="causal", activation="tanh")(x)
        y = L.Conv1D(4, 1)(L.multiply([gate, y]))
        skips.append(y)
        x = L.add([y, x if dilation > 1 else L.Conv1D(4, 1)(x)])
    x = L.Activation("relu")(L.Add()(skips))
    model = M.Model(wave, L.Conv1D(1, 1)(x))
    model.compile(keras.optimizers.Nadam(**rate(0.01)), "logcosh" if not NEW else "log_cosh", metrics=["mae"])
    return model, [floats(4, 24, 1)], [floats(4, 24, 1)]


def transformer_encoder():
    tokens = L.Input((8,), dtype="int32")
    x = L.Embedding(20, 8, mask_zero=True)(tokens)
    for _ in range(2):
        attended = L.MultiHeadAttention(2, 4, dropout=0.0)(x, x)
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, L.Dropout(0.0)(attended)]))
        inner = M.Sequential([L.Dense(16, activation="relu"), L.Dense(8)])
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, inner(x)]))
    model = M.Model(tokens, L.Dense(2, activation="softmax")(L.GlobalAveragePooling1D()(x)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, [integers(20, 4, 8)], [integers(2, 4)]


def transformer_decoder():
    tokens, memory, mask = L.Input((6,), dtype="int32"), L.Input((5, 8)), L.Input((6, 6), dtype="bool")
    x = L.Embedding(20, 8)(tokens)
    causal = {"use_causal_mask": True} if NEW or NUMBERS >= (2, 10) else {}
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 4)(x, x, attention_mask=mask, **causal))
    y, scores = L.MultiHeadAttention(2, 4, value_dim=3)(query=x, value=memory, key=memory, return_attention_scores=True)
    x = L.LayerNormalization()(L.Add()([x, y]))
    model = M.Model([tokens, memory, mask], [L.Dense(20)(x), scores])
    model.compile(keras.optimizers.Adam(0.01), loss=[keras.losses.SparseCategoricalCrossentropy(from_logits=True), None]
                  if not NEW else [keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"])
    return model, [integers(20, 3, 6), floats(3, 5, 8), np.repeat(np.tril(np.ones((1, 6, 6), bool)), 3, 0)], \
        [integers(20, 3, 6), np.zeros((3, 2, 6, 5), "float32")]


def luong_attention():
    query, value = L.Input((4, 6)), L.Input((5, 6))
    x, scores = L.Attention(use_scale=True)([query, value], return_attention_scores=True)
    y = L.AdditiveAttention()([query, value])
    model = M.Model([query, value], [L.Dense(2, name="out")(L.concatenate([x, y])), L.Flatten(name="scores")(scores)])
    model.compile("sgd", {"out": "mse", "scores": "mae"}, loss_weights={"out": 1.0, "scores": 0.3})
    return model, [floats(3, 4, 6), floats(3, 5, 6)], [floats(3, 4, 2), floats(3, 20)]


def films():
    model = M.Sequential([L.ConvLSTM2D(3, (3, 3), padding="same", return_sequences=True, input_shape=(4, 6, 6, 1)),
                          L.BatchNormalization(), L.ConvLSTM2D(2, 3, recurrent_activation="sigmoid"),
                          L.Flatten(), L.Dense(2)])
    model.compile("adam", "mse")
    return model, [floats(3, 4, 6, 6, 1)], [floats(3, 2)]


def stateful():
    first = L.Input(batch_shape=(3, 5, 2))
    x = L.LSTM(4, stateful=True, return_sequences=True)(first)
    model = M.Model(first, L.Dense(1)(L.GRU(3, stateful=True)(x)))
    model.compile("rmsprop", "mse")
    return model, [floats(3, 5, 2)], [floats(3, 1)]


def cells():
    x = series = L.Input((5, 3))
    x = L.RNN([L.LSTMCell(4), L.GRUCell(3), L.SimpleRNNCell(2)], return_sequences=True)(x)
    x = L.SimpleRNN(3, unroll=True, return_sequences=True, activation="relu")(x)
    x = L.GRU(3, reset_after=False, recurrent_activation="sigmoid", return_sequences=True)(x)
    x = L.LSTM(3, recurrent_regularizer="l2", bias_initializer="ones", go_backwards=True)(x)
    model = M.Model(series, L.TimeDistributed(L.Dense(1))(L.RepeatVector(3)(x)))
    model.compile(keras.optimizers.Adam(clipnorm=0.5, **rate(0.01)), "mae")
    return model, [floats(4, 5, 3)], [floats(4, 3, 1)]


def text_cnn():
    tokens = L.Input((9,), dtype="int32")
    x = L.SpatialDropout1D(0.0)(L.Embedding(20, 5, embeddings_regularizer=keras.regularizers.l1(1e-3))(tokens))
    parts = [L.GlobalMaxPooling1D()(L.Conv1D(4, size, activation="relu")(x)) for size in (2, 3, 4)]
    parts.append(L.Flatten()(L.MaxPooling1D(3)(L.ZeroPadding1D(1)(L.Cropping1D((1, 1))(x)))))
    model = M.Model(tokens, L.Dense(1, activation="sigmoid")(L.Concatenate()(parts)))
    model.compile("adam", keras.losses.BinaryCrossentropy(label_smoothing=0.1),
                  metrics=[keras.metrics.Precision(), keras.metrics.Recall(thresholds=0.4, name="r")])
    return model, [integers(20, 5, 9)], [integers(2, 5, 1).astype("float32")]
