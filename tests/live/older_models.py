"""By hand: whole models as users of any Keras write them, saved by that Keras in every format it has; Nyala predicts
with them, goes on training them, and saves them again for the newest Keras.

usage: python older_models.py write FOLDER [tf] [NAMES]  with the Keras (2.3 to 3) or tf.keras ("tf") that runs this
       NYALA_BUILD_DIR=build/release python older_models.py check FOLDER [PATTERN]   with Keras 3, `ninja files_tool`"""

import json
import os
import re
import sys

os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"})
import numpy as np

if "tf" in sys.argv[1:]:
    import tensorflow as tf
    keras, VERSION = tf.keras, tf.__version__
else:
    import keras
    VERSION = keras.__version__
L, M = keras.layers, keras.models
TF, NUMBERS = "tf" in sys.argv[1:], tuple(int(part) for part in VERSION.split(".")[:2])
NEW = NUMBERS >= (3, 0) and not TF
rng = np.random.RandomState(3)
STEPS = 3


def floats(*shape):
    return rng.normal(size=shape).astype("float32")


def integers(high, *shape):
    return rng.randint(0, high, shape).astype("int32")


def classes(count, *shape):
    return np.eye(count, dtype="float32")[rng.randint(0, count, shape)]


def rate(value):
    return {"learning_rate": value} if TF or NEW else {"lr": value}


def conv_block(x, width, name):
    for i in "12":
        x = L.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", use_bias=False, name=name + i)(x)
        x = L.Activation("relu", name=name + "relu" + i)(L.BatchNormalization(name=name + "bn" + i)(x))
    return x


def unet():
    image = L.Input((16, 16, 1), name="image")
    one = conv_block(image, 4, "down1_")
    two = conv_block(L.MaxPooling2D((2, 2))(one), 8, "down2_")
    x = L.Dropout(0.0)(conv_block(L.MaxPooling2D((2, 2))(two), 16, "middle_"))
    x = L.concatenate([L.Conv2DTranspose(8, (2, 2), strides=(2, 2), padding="same")(x), two], axis=3)
    x = conv_block(x, 8, "up2_")
    x = L.concatenate([L.Conv2DTranspose(4, (2, 2), strides=(2, 2), padding="same")(x), one], axis=3)
    model = M.Model(image, L.Conv2D(1, (1, 1), activation="sigmoid")(conv_block(x, 4, "up1_")), name="unet")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model, [floats(4, 16, 16, 1)], [integers(2, 4, 16, 16, 1).astype("float32")]


def resnet():
    image = L.Input((16, 16, 3))
    x = L.ZeroPadding2D(padding=(3, 3), name="conv1_pad")(image)
    x = L.Conv2D(8, 7, strides=2, name="conv1_conv")(x)
    x = L.Activation("relu")(L.BatchNormalization(axis=3, epsilon=1.001e-5, name="conv1_bn")(x))
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    for i, width in enumerate((8, 16)):
        short = L.BatchNormalization()(L.Conv2D(width, 1, strides=i + 1)(x))
        y = L.Conv2D(width, 3, strides=i + 1, padding="same", kernel_regularizer=keras.regularizers.l2(1e-3))(x)
        y = L.ReLU()(L.BatchNormalization(momentum=0.9)(y))
        y = L.BatchNormalization(gamma_initializer="zeros")(L.Conv2D(width, 3, padding="same")(y))
        x = L.Activation("relu")(L.add([short, y]))
    model = M.Model(image, L.Dense(5, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    model.compile(keras.optimizers.SGD(momentum=0.9, nesterov=True, **rate(0.05)), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    return model, [floats(6, 16, 16, 3)], [integers(5, 6, 1)]


def inception():
    image = L.Input((12, 12, 4))
    a = L.Conv2D(4, (1, 1), padding="same", activation="relu")(image)
    b = L.Conv2D(4, (1, 3), padding="same", activation="relu")(L.Conv2D(3, (3, 1), padding="same")(image))
    c = L.Conv2D(4, (5, 5), padding="same", activation="elu", data_format="channels_last")(image)
    d = L.Conv2D(4, 1, activation="selu", kernel_initializer="lecun_normal")(
        L.AveragePooling2D((3, 3), strides=(1, 1), padding="same")(image))
    x = L.Concatenate(axis=-1, name="mixed")([a, b, c, d])
    x = L.MaxPooling2D(3, 2)(x)
    x = L.GlobalMaxPooling2D()(x)
    model = M.Model(inputs=[image], outputs=[L.Dense(3, activation="softmax", name="predictions")(x)])
    model.compile(keras.optimizers.RMSprop(**rate(0.005)), keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
                  metrics=[keras.metrics.TopKCategoricalAccuracy(2)])
    return model, [floats(5, 12, 12, 4)], [classes(3, 5)]


def siamese():
    base = M.Sequential([L.Conv2D(4, 3, activation="relu", input_shape=(10, 10, 1)), L.MaxPooling2D(), L.Flatten(),
                         L.Dense(6, activation="sigmoid")], name="embedding")
    left, right = L.Input((10, 10, 1), name="left"), L.Input((10, 10, 1), name="right")
    difference = L.Subtract()([base(left), base(right)])
    model = M.Model([left, right], L.Dense(1, activation="sigmoid")(L.Multiply()([difference, difference])))
    model.compile(keras.optimizers.Adam(amsgrad=True, **rate(0.01)), "binary_crossentropy", metrics=["binary_accuracy"])
    return model, [floats(6, 10, 10, 1), floats(6, 10, 10, 1)], [integers(2, 6, 1).astype("float32")]


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


def autoencoder():
    image = L.Input((12, 12, 1))
    x = L.Conv2D(4, 3, strides=2, padding="same")(image)
    x = L.LeakyReLU(0.2)(L.BatchNormalization(axis=-1)(x))
    encoder = M.Model(image, L.Dense(5)(L.Flatten()(x)), name="encoder")
    code = L.Input((5,))
    x = L.Reshape((6, 6, 2))(L.Dense(72, activation="relu")(code))
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1)(x)
    decoder = M.Model(code, L.Activation("sigmoid")(L.Conv2DTranspose(1, 3, padding="same")(x)), name="decoder")
    model = M.Model(image, decoder(encoder(image)), name="autoencoder")
    model.compile(keras.optimizers.Adam(**rate(0.01)), "mse")
    return model, [floats(4, 12, 12, 1)], [floats(4, 12, 12, 1)]


def tickets():
    title, tags = L.Input((6,), name="title", dtype="int32"), L.Input((4,), name="tags")
    x = L.concatenate([L.LSTM(5)(L.Embedding(10, 4)(title)), tags])
    priority = L.Dense(1, activation="sigmoid", name="priority")(x)
    model = M.Model([title, tags], [priority, L.Dense(3, activation="softmax", name="department")(x)])
    model.compile(optimizer=keras.optimizers.RMSprop(**rate(0.003)),
                  loss={"priority": "binary_crossentropy", "department": "categorical_crossentropy"},
                  loss_weights={"priority": 1.0, "department": 0.2},
                  metrics={"priority": ["mae"], "department": ["accuracy"]})
    return model, [integers(10, 5, 6), floats(5, 4)], [integers(2, 5, 1).astype("float32"), classes(3, 5)]


def nested():
    a = L.Input((4,), name="innermost_in")
    innermost = M.Model(a, L.BatchNormalization()(L.Dense(4, activation="tanh")(a)), name="innermost")
    b = L.Input((4,), name="middle_in")
    middle = M.Model(b, L.add([innermost(b), L.Dense(4)(innermost(innermost(b)))]), name="middle")
    tail = M.Sequential([L.Dense(3, input_shape=(4,)), L.Dense(2)], name="tail")
    c = L.Input((4,))
    model = M.Model(c, tail(middle(c)))
    model.compile(keras.optimizers.Adamax(**rate(0.01)), "mean_squared_error")
    return model, [floats(6, 4)], [floats(6, 2)]


def frozen():
    base = M.Sequential([L.Conv2D(4, 3, input_shape=(8, 8, 2)), L.BatchNormalization(), L.GlobalAveragePooling2D()],
                        name="base")
    base.trainable = False
    image = L.Input((8, 8, 2))
    x = L.Dense(5, name="kept", trainable=False)(base(image))
    model = M.Model(image, L.Dense(2)(L.BatchNormalization()(x)))
    model.compile(keras.optimizers.Adam(**rate(0.02)), "mse")
    return model, [floats(6, 8, 8, 2)], [floats(6, 2)]


def prepared():
    P = L.experimental.preprocessing if TF and NUMBERS < (2, 6) else L
    normal = P.Normalization(axis=-1)
    normal.adapt(floats(20, 3) * 3 + 1)
    numbers, kind, image = L.Input((3,)), L.Input((1,), dtype="int32"), L.Input((8, 8, 3))
    encoded = (P.CategoryEncoding(num_tokens=4, output_mode="multi_hot") if NEW or NUMBERS >= (2, 6) else
               P.CategoryEncoding(max_tokens=4, output_mode="binary"))(kind)
    x = P.Rescaling(1.0 / 127.5, offset=-1)(P.Resizing(6, 6)(image))
    x = L.Flatten()(L.Conv2D(2, 3)(P.CenterCrop(4, 4)(P.RandomFlip("horizontal")(x))))
    model = M.Model([numbers, kind, image], L.Dense(1)(L.concatenate([normal(numbers), encoded, x])))
    return model, [floats(4, 3), integers(4, 4, 1), floats(4, 8, 8, 3)], None


def mixed():
    set_policy = keras.mixed_precision.set_global_policy
    set_policy("mixed_float16")
    try:
        image = L.Input((8, 8, 3))
        x = L.Conv2D(4, 3, activation="relu")(image)
        x = L.BatchNormalization()(x)
        x = L.Dense(4, name="last")(L.GlobalAveragePooling2D()(x))
        model = M.Model(image, L.Activation("softmax", dtype="float32")(x))
        model.compile("adam", "sparse_categorical_crossentropy")
    finally:
        set_policy("float32")
    return model, [floats(4, 8, 8, 3)], [integers(4, 4, 1)]


def wide_and_deep():
    wide, deep = L.Input((6,), name="wide"), L.Input((5,), name="deep")
    x = deep
    for width in (8, 4):
        x = L.Dense(width, kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.3, seed=1),
                    bias_initializer=keras.initializers.Constant(0.1))(x)
        x = L.PReLU()(x)
    x = L.GaussianNoise(0.0)(L.AlphaDropout(0.0)(x))
    model = M.Model([wide, deep], L.Dense(1, kernel_constraint=keras.constraints.NonNeg(),
                                          activity_regularizer=keras.regularizers.l1(0.01))(L.concatenate([wide, x])))
    model.compile(keras.optimizers.Ftrl(learning_rate=0.1) if TF or NEW else keras.optimizers.Adadelta(**rate(1.0)),
                  keras.losses.Huber() if TF or NUMBERS >= (2, 4) else keras.losses.MeanAbsoluteError(),
                  metrics=["mse", keras.metrics.RootMeanSquaredError()])
    return model, [floats(6, 6), floats(6, 5)], [floats(6, 1)]


def densenet():
    x = image = L.Input((10, 10, 3))
    for i in range(3):
        y = L.Activation("relu", name="relu%d" % i)(L.BatchNormalization(axis=3, epsilon=1.001e-5)(x))
        y = L.Conv2D(3, 3, padding="same", use_bias=False, name="conv2_block%d_2_conv" % i)(y)
        x = L.Concatenate(axis=3, name="conv2_block%d_concat" % i)([x, y])
    x = L.AveragePooling2D(2, strides=2, name="pool2_pool")(x)
    model = M.Model(image, L.Dense(4, activation="softmax")(L.GlobalAveragePooling2D(name="avg_pool")(x)))
    model.compile("sgd", "categorical_crossentropy", metrics=["acc"])
    return model, [floats(4, 10, 10, 3)], [classes(4, 4)]


def mobilenet():
    image = L.Input((16, 16, 3))
    x = L.ZeroPadding2D(padding=((0, 1), (0, 1)))(image)
    x = L.ReLU(6.0)(L.BatchNormalization(momentum=0.999)(L.Conv2D(4, 3, strides=2, use_bias=False)(x)))
    x = L.DepthwiseConv2D((3, 3), padding="same", depth_multiplier=1, use_bias=False, name="conv_dw_1")(x)
    x = L.ReLU(max_value=6)(L.BatchNormalization()(x))
    y = L.SeparableConv2D(8, 3, padding="same", depthwise_regularizer=keras.regularizers.l2(0.01))(x)
    y = L.UpSampling2D(2, interpolation="bilinear")(L.MaxPooling2D(2)(y))
    x = L.GlobalAveragePooling2D()(L.add([L.Conv2D(8, 1)(x), y]))
    x = L.Reshape((1, 1, 8))(x)
    model = M.Model(image, L.Activation("softmax")(L.Reshape((3,))(L.Conv2D(3, (1, 1), padding="same")(x))))
    model.compile(keras.optimizers.RMSprop(momentum=0.9, centered=True, **rate(0.01)) if TF or NEW else "rmsprop",
                  "categorical_crossentropy")
    return model, [floats(4, 16, 16, 3)], [classes(3, 4)]


def squeeze():
    image = L.Input((8, 8, 6))
    groups = {"groups": 2} if NEW or NUMBERS > (2, 6) else {}
    x = L.Conv2D(6, 3, padding="same", activation="swish", **groups)(image) if TF or NEW else image
    s = L.Dense(2, activation="relu")(L.GlobalAveragePooling2D()(x))
    s = L.Reshape((1, 1, 6))(L.Dense(6, activation="hard_sigmoid")(s))
    x = L.multiply([x, s])
    x = L.SpatialDropout2D(0.0)(L.Cropping2D(((1, 1), (2, 0)))(x))
    model = M.Model(image, L.Dense(2)(L.GlobalMaxPooling2D()(x)))
    model.compile("adam", "mape")
    return model, [floats(4, 8, 8, 6)], [floats(4, 2) + 3]


def films():
    model = M.Sequential([L.ConvLSTM2D(3, (3, 3), padding="same", return_sequences=True, input_shape=(4, 6, 6, 1)),
                          L.BatchNormalization(), L.ConvLSTM2D(2, 3, recurrent_activation="sigmoid"),
                          L.Flatten(), L.Dense(2)])
    model.compile("adam", "mse")
    return model, [floats(3, 4, 6, 6, 1)], [floats(3, 2)]


def volume():
    model = M.Sequential([L.Conv3D(3, 2, activation="relu", input_shape=(6, 6, 6, 1)),
                          L.MaxPooling3D(2, padding="same"),
                          L.Conv3DTranspose(2, 2, strides=2), L.ZeroPadding3D(1), L.GlobalAveragePooling3D(),
                          L.Dense(2, activation="softplus")])
    model.compile("adam", "poisson")
    return model, [floats(3, 6, 6, 6, 1)], [integers(4, 3, 2).astype("float32")]


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


def merges():
    a, b = L.Input((3, 4)), L.Input((3, 4))
    parts = [L.Maximum()([a, b]), L.Minimum()([a, b]), L.Average()([a, b]), L.dot([a, b], axes=2, normalize=True)]
    x = L.Permute((2, 1))(L.Concatenate()(parts))
    x = L.LayerNormalization(axis=-1)(L.Softmax(axis=1)(x)) if TF or NEW else L.Softmax(axis=1)(x)
    x = L.ThresholdedReLU(0.01)(x) if not NEW else x
    x = L.ELU(0.5)(L.LocallyConnected1D(2, 2)(x)) if not NEW else L.ELU(0.5)(x)
    model = M.Model([a, b], L.Dense(2)(L.Flatten()(x)))
    model.compile("sgd", "squared_hinge")
    return model, [floats(4, 3, 4), floats(4, 3, 4)], [np.sign(floats(4, 2))]


def recommender():
    user, item = L.Input((1,), name="user"), L.Input((1,), name="item")
    u = L.Flatten(name="flat_user")(L.Embedding(8, 4, embeddings_initializer="uniform", name="users")(user))
    held = {"embeddings_constraint": keras.constraints.MaxNorm(2)} if NEW else {}
    i = L.Flatten(name="flat_item")(L.Embedding(9, 4, **held)(item))
    model = M.Model([user, item], L.Dot(axes=1)([u, i]))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True) if TF or NEW else 0.05
    model.compile(keras.optimizers.SGD(schedule, momentum=0.8), "mse")
    return model, [integers(8, 6, 1).astype("float32"), integers(9, 6, 1).astype("float32")], [floats(6, 1)]


def late():
    """Built by what it is given first."""
    model = M.Sequential([L.Dense(4, activation="relu"), L.BatchNormalization(), L.Dense(2)], name="late")
    model.compile("adam", "mse")
    model.train_on_batch(floats(6, 3), floats(6, 2))
    return model, [floats(6, 3)], [floats(6, 2)]


def penalised():
    x = L.Input((5,))
    h = L.Dense(4, activation="tanh")(x)
    h = L.ActivityRegularization(l1=0.01, l2=0.02)(h)
    model = M.Model(x, L.Dense(2)(h))
    model.compile(keras.optimizers.Adam(decay=0.01, **rate(0.01)) if not NEW and not (TF and NUMBERS > (2, 10)) else
                  keras.optimizers.AdamW(0.01, weight_decay=0.02, clipvalue=0.5), "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def arithmetic():
    x, y = L.Input((4, 3)), L.Input((4, 3))
    z = (x * 2.0 - y / 4.0 + 1.0) ** 2 - abs(x)
    z = z[:, 1:, ::2] + (1.0 - y[:, :3, 0:2])
    if NEW:
        z = keras.ops.concatenate([keras.ops.mean(z, axis=1), keras.ops.max(x, axis=1)], axis=-1)
        z = keras.ops.where(z > 1.0, keras.ops.sqrt(keras.ops.abs(z)), -z)
    else:
        z = tf.concat([tf.reduce_mean(z, axis=1), tf.reduce_max(x, axis=1)], axis=-1)
        z = tf.where(z > 1.0, tf.sqrt(tf.abs(z)), -z)
    model = M.Model([x, y], L.Dense(2)(z))
    model.compile("adam", "mse")
    return model, [floats(4, 4, 3), floats(4, 4, 3)], [floats(4, 2)]


def slashes():
    """Names that Keras 3 has no more."""
    x = L.Input((5,), name="in/put")
    h = L.BatchNormalization(name="block/one/bn")(L.Dense(4, name="block/one/dense")(x))
    model = M.Model(x, L.Dense(2, name="block/two")(h))
    model.compile("adam", "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def added_loss():
    x = L.Input((5,))
    h = L.Dense(3)(x)
    model = M.Model(x, L.Dense(2)(h))
    model.add_loss(0.1 * tf.reduce_mean(tf.square(h)))
    model.compile("adam", "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def vae():
    class Sampling(L.Layer):
        def call(self, inputs):
            return inputs[0] + 0.0 * inputs[1]
    x = L.Input((6,))
    z = Sampling()([L.Dense(2, name="z_mean")(x), L.Dense(2, name="z_log_var")(x)])
    return M.Model(x, L.Dense(6)(z)), [floats(4, 6)], None


MODELS = [unet, resnet, inception, siamese, seq2seq, gru_seq2seq, masked_bidirectional, tagger, video, wavenet,
          transformer_encoder, transformer_decoder, luong_attention, autoencoder, tickets, nested, frozen, prepared,
          mixed, wide_and_deep, densenet, mobilenet, squeeze, films, volume, stateful, cells, text_cnn, merges,
          recommender, late, penalised, arithmetic, slashes, added_loss, vae]


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
