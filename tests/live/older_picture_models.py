"""Networks for pictures and volumes. Each function gives a model, its inputs, and its targets or None."""

from older_models_kit import L, M, NEW, NUMBERS, TF, classes, floats, integers, keras, rate


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


def volume():
    model = M.Sequential([L.Conv3D(3, 2, activation="relu", input_shape=(6, 6, 6, 1)),
                          L.MaxPooling3D(2, padding="same"),
                          L.Conv3DTranspose(2, 2, strides=2), L.ZeroPadding3D(1), L.GlobalAveragePooling3D(),
                          L.Dense(2, activation="softplus")])
    model.compile("adam", "poisson")
    return model, [floats(3, 6, 6, 6, 1)], [integers(4, 3, 2).astype("float32")]


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


def frozen():
    base = M.Sequential([L.Conv2D(4, 3, input_shape=(8, 8, 2)), L.BatchNormalization(), L.GlobalAveragePooling2D()],
                        name="base")
    base.trainable = False
    image = L.Input((8, 8, 2))
    x = L.Dense(5, name="kept", trainable=False)(base(image))
    model = M.Model(image, L.Dense(2)(L.BatchNormalization()(x)))
    model.compile(keras.optimizers.Adam(**rate(0.02)), "mse")
    return model, [floats(6, 8, 8, 2)], [floats(6, 2)]
