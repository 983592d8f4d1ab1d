"""Models as users of Keras write them: its applications, and what its examples and guides build."""

import keras
import numpy as np
from keras import layers as L
from keras import ops

A = keras.applications


def application(name, size, **options):
    def make():
        return getattr(A, name)(weights=None, input_shape=(size, size, 3), classes=10, **options)
    return make


def applications():
    yield "MobileNetV2", application("MobileNetV2", 32, alpha=0.35)
    yield "MobileNetV3Small", application("MobileNetV3Small", 32)
    yield "EfficientNetB0", application("EfficientNetB0", 32)
    yield "MobileNet", application("MobileNet", 32, alpha=0.25)
    yield "MobileNetV3Large", application("MobileNetV3Large", 32)
    yield "EfficientNetV2B0", application("EfficientNetV2B0", 32)
    yield "ResNet50", application("ResNet50", 32)
    yield "ResNet50V2", application("ResNet50V2", 32)
    yield "DenseNet121", application("DenseNet121", 32)
    yield "VGG16", lambda: A.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
    yield "Xception", application("Xception", 71)
    yield "InceptionV3", application("InceptionV3", 75)
    yield "InceptionResNetV2", application("InceptionResNetV2", 75)
    yield "NASNetMobile", application("NASNetMobile", 32)
    yield "ConvNeXtTiny", application("ConvNeXtTiny", 32)


def transformer_classifier():
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    positions = L.Embedding(12, 16, name="positions")(ops.arange(0, 12))
    x = L.Embedding(50, 16, name="words")(tokens) + positions
    for _ in range(2):
        attended = L.MultiHeadAttention(num_heads=2, key_dim=8, dropout=0.1)(x, x)
        x = L.LayerNormalization(epsilon=1e-6)(x + L.Dropout(0.1)(attended))
        inner = keras.Sequential([L.Dense(32, activation="gelu"), L.Dense(16)])
        x = L.LayerNormalization(epsilon=1e-6)(x + inner(x))
    x = L.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, L.Dense(2, activation="softmax")(L.Dropout(0.1)(x)))


def seq2seq():
    source, target = keras.Input((None, 7), name="source"), keras.Input((None, 5), name="target")
    encoded, h, c = L.LSTM(6, return_sequences=True, return_state=True)(source)
    decoded, _, _ = L.LSTM(6, return_sequences=True, return_state=True)(target, initial_state=[h, c])
    context = L.Attention()([decoded, encoded])
    joined = L.Concatenate(axis=-1)([decoded, context])
    return keras.Model([source, target], L.TimeDistributed(L.Dense(5, activation="softmax"))(joined))


def causal_decoder():
    tokens = keras.Input((10,), dtype="int32")
    x = L.Embedding(30, 8, mask_zero=True)(tokens)
    x = L.Add()([x, L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)])
    return keras.Model(tokens, L.Dense(30)(L.LayerNormalization()(x)))


def siamese():
    image = keras.Input((12, 12, 1))
    x = L.Conv2D(4, 3, activation="tanh")(image)
    x = L.BatchNormalization()(L.AveragePooling2D(2)(x))
    tower = keras.Model(image, L.Dense(5, activation="tanh")(L.Flatten()(x)), name="tower")
    a, b = keras.Input((12, 12, 1)), keras.Input((12, 12, 1))
    u, v = tower(a), tower(b)
    distance = ops.sqrt(ops.maximum(ops.sum(ops.square(u - v), axis=1, keepdims=True), 1e-7))
    return keras.Model([a, b], L.Dense(1, activation="sigmoid")(L.BatchNormalization()(distance)))


def autoencoder():
    image = keras.Input((16, 16, 1))
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = L.MaxPooling2D(2, padding="same")(x)
    code = L.Dense(6, name="code")(L.Flatten()(x))
    encoder = keras.Model(image, code, name="encoder")
    decoder = keras.Sequential([keras.Input((6,)), L.Dense(4 * 4 * 4, activation="relu"), L.Reshape((4, 4, 4)),
                                L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
                                L.UpSampling2D(2), L.Conv2D(1, 3, padding="same", activation="sigmoid")],
                               name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="autoencoder")


def unet():
    image = keras.Input((16, 16, 3))
    x, skips = image, []
    for width in (4, 8):
        x = L.Activation("relu")(L.BatchNormalization()(L.SeparableConv2D(width, 3, padding="same")(x)))
        skips.append(x)
        x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    x = L.Conv2D(16, 3, padding="same", activation="relu")(x)
    for width, skip in zip((8, 4), reversed(skips)):
        x = L.UpSampling2D(2, interpolation="bilinear")(x)
        x = L.Concatenate()([L.Conv2DTranspose(width, 3, padding="same", use_bias=False)(x), skip])
    return keras.Model(image, L.Conv2D(2, 1, activation="softmax")(x))


def ticket_router():
    title, body = keras.Input((None,), name="title", dtype="int32"), keras.Input((None,), name="body", dtype="int32")
    tags = keras.Input((12,), name="tags")
    x = L.concatenate([L.LSTM(8)(L.Embedding(20, 6)(title)), L.LSTM(4)(L.Embedding(20, 6)(body)), tags])
    return keras.Model({"title": title, "body": body, "tags": tags},
                       {"priority": L.Dense(1, name="priority")(x), "department": L.Dense(4, name="department")(x)})


def small_resnet():
    image = keras.Input((32, 32, 3), name="img")
    x = L.MaxPooling2D(3)(L.Conv2D(8, 3, activation="relu")(L.Conv2D(4, 3, activation="relu")(image)))
    for _ in range(2):
        y = L.Conv2D(8, 3, activation="relu", padding="same")(x)
        x = L.add([L.Conv2D(8, 3, activation="relu", padding="same")(y), x])
    x = L.Dropout(0.5)(L.Dense(16, activation="relu")(L.GlobalAveragePooling2D()(x)))
    return keras.Model(image, L.Dense(10)(x), name="toy_resnet")


def ensemble():
    def one():
        x = keras.Input((8,))
        return keras.Model(x, L.Dense(1)(x))
    members, x = [one(), one(), one()], keras.Input((8,))
    return keras.Model(x, L.average([member(x) for member in members]))


def shared_embedding():
    words = L.Embedding(30, 8)
    a, b = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    return keras.Model([a, b], L.Dot(axes=-1, normalize=True)([L.GlobalMaxPooling1D()(words(a)),
                                                               L.GlobalMaxPooling1D()(words(b))]))


def stacked_bidirectional():
    return keras.Sequential([
        keras.Input((9,), dtype="int32"), L.Embedding(40, 8, mask_zero=True),
        L.Bidirectional(L.LSTM(6, return_sequences=True)),
        L.Bidirectional(L.GRU(5, return_sequences=True), merge_mode="ave"),
        L.Bidirectional(L.SimpleRNN(4), backward_layer=L.SimpleRNN(4, go_backwards=True, activation="relu")),
        L.Dense(1, activation="sigmoid")])


def video():
    return keras.Sequential([
        keras.Input((4, 16, 16, 3)), L.TimeDistributed(L.Conv2D(4, 3, activation="relu")),
        L.TimeDistributed(L.BatchNormalization()), L.TimeDistributed(L.MaxPooling2D()),
        L.TimeDistributed(keras.Sequential([L.Flatten(), L.Dense(6)])), L.GRU(5), L.Dense(3)])


def weight_tied():
    words = L.ReversibleEmbedding(25, 8, tie_weights=True)
    tokens = keras.Input((7,), dtype="int32")
    x = L.LSTM(8, return_sequences=True)(words(tokens))
    return keras.Model(tokens, words(x, reverse=True))


def vision_transformer():
    image = keras.Input((16, 16, 3))
    x = L.Rescaling(1 / 127.5, offset=-1)(image)
    x = L.Conv2D(12, 4, strides=4, padding="valid")(x)
    x = L.Reshape((16, 12))(x)
    x = x + L.Embedding(16, 12)(ops.expand_dims(ops.arange(0, 16), 0))
    y = L.LayerNormalization(epsilon=1e-6)(x)
    x = L.Add()([L.MultiHeadAttention(3, 4, dropout=0.1)(y, y), x])
    y = L.LayerNormalization(epsilon=1e-6)(x)
    for width in (24, 12):
        y = L.Dropout(0.1)(L.Dense(width, activation=keras.activations.gelu)(y))
    x = L.Add()([y, x])
    return keras.Model(image, L.Dense(10)(L.Flatten()(L.LayerNormalization()(x))))


def mlp_mixer():
    x = inputs = keras.Input((8, 12))
    for _ in range(2):
        y = ops.transpose(L.LayerNormalization()(x), axes=(0, 2, 1))
        y = L.Dense(8)(L.Dense(16, activation="gelu")(y))
        x = x + ops.transpose(y, axes=(0, 2, 1))
        x = x + L.Dense(12)(L.Dense(24, activation="silu")(L.LayerNormalization()(x)))
    return keras.Model(inputs, L.Dense(3)(ops.mean(x, axis=1)))


def wavenet():
    x = inputs = keras.Input((32, 2))
    skips = []
    for rate in (1, 2, 4):
        gate = L.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(x)
        signal = L.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="tanh")(x)
        y = L.Multiply()([gate, signal])
        skips.append(L.Conv1D(4, 1)(y))
        x = L.Conv1D(6, 1)(y) if rate == 1 else L.Add()([L.Conv1D(6, 1)(y), x])
    return keras.Model(inputs, L.Conv1D(1, 1)(L.ReLU()(L.Add()(skips))))


def wide_and_deep():
    numbers, kind = keras.Input((6,), name="numbers"), keras.Input((1,), dtype="int32", name="kind")
    embedded = L.Flatten()(L.Embedding(5, 2)(kind))
    deep = L.Normalization(mean=[0.0] * 6, variance=[1.0] * 6)(numbers)
    for width in (8, 4):
        deep = L.Dropout(0.2)(L.LeakyReLU(negative_slope=0.1)(L.BatchNormalization()(L.Dense(width)(deep))))
    return keras.Model([numbers, kind], L.Dense(1)(L.Concatenate()([embedded, deep])))


def operations():
    a, b = keras.Input((6, 4), name="a"), keras.Input((6, 4), name="b")
    x = ops.concatenate([a[:, :3], b[:, -3:]], axis=1)
    x = ops.where(x > 0.0, x * 2, ops.abs(x) + 1.0) / (1.0 + ops.exp(-b))
    mean, variance = ops.moments(x, axes=[1], keepdims=True)
    x = (x - mean) / ops.sqrt(variance + 1e-3)
    left, right = ops.split(x, 2, axis=-1)
    y = ops.einsum("bij,bkj->bik", left, right)
    y = ops.softmax(ops.matmul(y, a) ** 2, axis=-1)
    y = ops.clip(ops.stack([y, b], axis=2), -1.0, 1.0)
    return keras.Model([a, b], [ops.reshape(y, (-1, 48)), ops.max(x, axis=(1, 2)), ops.argmax(y, axis=-1)])


def small_operations():
    """What few graphs hold, each once."""
    a, b = keras.Input((6, 6), name="a"), keras.Input((6, 6), name="b")
    gap = ops.where(a > 1.0, float("nan"), a)
    sums = [ops.nansum(gap, axis=1), ops.nanmean(gap, axis=1), ops.nanvar(gap, axis=1), ops.nanstd(gap, axis=2),
            ops.nanmax(gap, axis=1), ops.nanmin(gap, axis=2), ops.nanprod(gap, axis=1),
            ops.nancumsum(gap, axis=1)[:, 2],
            ops.median(a, axis=1), ops.quantile(a, 0.3, axis=-1), ops.ptp(a, axis=1),
            ops.percentile(a, 60, axis=2, method="nearest"),
            ops.quantile(a, [0.1, 0.5], axis=2, keepdims=True)[0, ..., 0]]
    each = [ops.sinc(a), ops.cbrt(a), ops.deg2rad(a), ops.rad2deg(b), ops.erfc(a), ops.heaviside(a, b), ops.fmax(a, b),
            ops.fmin(a, b), ops.fmod(a, b), ops.logaddexp2(a, b), ops.select([a > 0.5, b > 0.5], [a, b], 0.25),
            ops.cast(ops.signbit(a), "float32"), ops.cross(a[..., :3], b[..., 3:]), ops.diff(a, n=2, axis=1),
            ops.rot90(a, k=1, axes=(1, 2)), ops.append(a, b, axis=1), ops.dstack([a, b]), ops.kron(a, b)[:4, :36],
            *ops.array_split(a, 4, axis=2), *ops.hsplit(b, [2, 3]), *ops.meshgrid(a[0, :2, 0], b[0, 0])]
    square = ops.matmul(a, ops.swapaxes(a, 1, 2)) + 2.0 * ops.eye(6)
    linear = [ops.slogdet(square)[1], ops.logdet(square), ops.linalg.solve_triangular(square, b, lower=True),
              ops.cdist(a, b), ops.trapezoid(a, dx=0.5, axis=1)]
    counts = [ops.digitize(a, np.array([-0.5, 0.0, 0.5], "float32")), ops.multi_hot(ops.argmax(a, -1), 6),
              ops.saturate_cast(a * 300.0, "uint8"), ops.isin(ops.argmax(a, -1), [1, 4])]
    return keras.Model([a, b], sums + each + linear + counts)


def pictures_and_waves():
    image, wave = keras.Input((12, 10, 3), name="image"), keras.Input((96,), name="wave")
    soft = ops.sigmoid(image)
    pictures = [ops.image.extract_patches(image, (3, 2), strides=2, padding="same"),
                ops.image.extract_patches(image, 2, dilation_rate=2), ops.image.rgb_to_grayscale(image),
                ops.image.rgb_to_hsv(soft), ops.image.hsv_to_rgb(soft),
                ops.image.gaussian_blur(image, (3, 3), (0.7, 1.1)),
                ops.image.crop_images(image, 1, 2, target_height=8, target_width=6),
                ops.image.pad_images(image, 1, 2, 3, 4), ops.space_to_depth(image, 2),
                ops.depth_to_space(ops.concatenate([image, image, image, image], -1), 2)]
    cube = ops.transpose(image, (0, 3, 1, 2))
    sines = [*ops.fft((wave, wave * 0.5)), *ops.fft2((cube, cube)), *ops.ifft2((cube, cube)), *ops.rfft(wave),
             *ops.rfft(wave, fft_length=70), ops.irfft(ops.rfft(wave)), ops.irfft((wave, wave), fft_length=33),
             ops.extract_sequences(wave, 16, 8), *ops.stft(wave, 16, 4, 20), *ops.stft(wave, 16, 4, 16, center=False)]
    return keras.Model([image, wave], [*pictures, *sines])


def forecast():
    series = keras.Input((24, 3))
    x = L.ConvLSTM1D(4, 3, padding="same", return_sequences=True)(L.Reshape((4, 6, 3))(series))
    x = L.BatchNormalization()(x)
    x = L.Reshape((4, -1))(x)
    x = L.RNN([L.LSTMCell(5), L.GRUCell(4, reset_after=False)], return_sequences=True)(x)
    x = L.RepeatVector(2)(L.Flatten()(x))
    return keras.Model(series, L.TimeDistributed(L.Dense(1))(L.LSTM(4, return_sequences=True)(x)))


def regularised():
    def dense(width):
        initializer = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=3)
        return L.Dense(width, kernel_regularizer=keras.regularizers.L2(1e-4), kernel_initializer=initializer,
                       kernel_constraint=keras.constraints.UnitNorm())
    return keras.Sequential([keras.Input((9,)), dense(6), L.PReLU(), L.GaussianNoise(0.1), L.AlphaDropout(0.1),
                             dense(4), L.ELU(0.7), L.ActivityRegularization(l1=0.01), L.UnitNormalization()])


def mixed_precision():
    return keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, dtype="mixed_float16"),
                             L.BatchNormalization(dtype="mixed_float16"), L.Flatten(), L.Dense(3, dtype="float32")])


def nested_deep():
    inner = keras.Sequential([L.Dense(4, activation="relu"), L.BatchNormalization()], name="inner")
    a = keras.Input((4,))
    middle = keras.Model(a, [inner(a), L.Dense(2)(inner(inner(a)))], name="middle")
    x = keras.Input((4,))
    first, second = middle(x)
    third, _ = middle(first)
    return keras.Model(x, L.Concatenate()([second, third]), name="outermost")


EXAMPLES = [transformer_classifier, seq2seq, causal_decoder, siamese, autoencoder, unet, ticket_router, small_resnet,
            ensemble, shared_embedding, stacked_bidirectional, video, weight_tied, vision_transformer, mlp_mixer,
            wavenet, wide_and_deep, operations, small_operations, pictures_and_waves, forecast,
            regularised, mixed_precision, nested_deep]


def examples():
    return [(make.__name__, make) for make in EXAMPLES]
