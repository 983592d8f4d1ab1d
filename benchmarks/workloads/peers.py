"""The workloads of workloads.cpp for PyTorch and Keras: one process per (peer, workload), one JSON line.

    python peers.py PEER WORKLOAD     PEER: torch torch-cl torch-compile keras-jax keras-tf
"""

import json
import os
import resource
import sys
import time

peer, work = sys.argv[1], sys.argv[2]
threads = int(os.environ.get("THREADS", "2"))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

rng = np.random.default_rng(0)
TOKENS = {"bilstm": (320, 80), "encoder": (256, 128), "text": (5120, 200)}
NUMBERS = {"gru": (640, 64, 16), "conv1d": (1280, 128, 9), "mobile": (256, 64, 64, 3), "unet": (128, 64, 64, 3),
           "deep": (6400, 32), "wide": (5120, 256), "autoencoder": (12800, 784)}
BATCH = {"gru": 32, "bilstm": 32, "conv1d": 64, "mobile": 32, "unet": 16, "encoder": 16, "text": 128, "deep": 64,
         "wide": 256, "autoencoder": 256}
batch = BATCH[work]
if work in TOKENS:
    x = rng.integers(0, 20000, TOKENS[work]).astype("int32")
    y = rng.integers(0, 2, (len(x), 1)).astype("float32")
else:
    x = rng.random(NUMBERS[work], dtype="float32")
    y = rng.integers(0, 10, (len(x),)).astype("int32")
if work == "unet":
    y = rng.integers(0, 2, (128, 64, 64, 1)).astype("float32")
if work == "autoencoder":
    y = x


def keras_model(L, keras):
    def stack(*layers):
        return keras.Sequential(list(layers))

    def mobile():
        inp = keras.Input((64, 64, 3))

        def block(h, filters, strides):
            h = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(h)))
            return L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(filters, 1, use_bias=False)(h)))

        h = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(32, 3, 2, padding="same", use_bias=False)(inp)))
        for filters, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
            h = block(h, filters, strides)
        return keras.Model(inp, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(h)))

    def unet():
        inp = keras.Input((64, 64, 3))

        def pair(h, filters):
            for _ in range(2):
                h = L.Conv2D(filters, 3, padding="same", activation="relu")(h)
            return h

        a = pair(inp, 16)
        b = pair(L.MaxPooling2D(2)(a), 32)
        c = pair(L.MaxPooling2D(2)(b), 64)
        up = pair(L.Concatenate()([L.Conv2DTranspose(32, 2, 2, padding="same")(c), b]), 32)
        up = pair(L.Concatenate()([L.Conv2DTranspose(16, 2, 2, padding="same")(up), a]), 16)
        return keras.Model(inp, L.Conv2D(1, 1, activation="sigmoid")(up))

    def encoder():
        inp = keras.Input((128,), dtype="int32")
        h = L.Embedding(20000, 192)(inp)
        for _ in range(4):
            h = L.LayerNormalization()(L.Add()([h, L.Dropout(0.1)(L.MultiHeadAttention(6, 32)(h, h))]))
            f = L.Dense(192)(L.Dense(768, activation="relu")(h))
            h = L.LayerNormalization()(L.Add()([h, L.Dropout(0.1)(f)]))
        return keras.Model(inp, L.Dense(1, activation="sigmoid")(L.GlobalAveragePooling1D()(h)))

    def deep():
        inp = keras.Input((32,))
        h = L.Dense(64, activation="relu")(inp)
        for _ in range(16):
            h = L.Dropout(0.2)(L.BatchNormalization()(L.Dense(64, activation="relu")(h)))
        return keras.Model(inp, L.Dense(10, activation="softmax")(h))

    ids = lambda steps: keras.Input((steps,), dtype="int32")
    relu = lambda units: L.Dense(units, activation="relu")
    return {
        "gru": lambda: stack(keras.Input((64, 16)), L.GRU(96, return_sequences=True), L.GRU(96),
                             L.Dense(10, activation="softmax")),
        "bilstm": lambda: stack(ids(80), L.Embedding(20000, 64), L.Bidirectional(L.LSTM(64)),
                                L.Dense(1, activation="sigmoid")),
        "conv1d": lambda: stack(keras.Input((128, 9)), L.Conv1D(64, 5, padding="same", activation="relu"),
                                L.BatchNormalization(), L.MaxPooling1D(2),
                                L.Conv1D(128, 5, padding="same", activation="relu"), L.BatchNormalization(),
                                L.GlobalAveragePooling1D(), L.Dense(10, activation="softmax")),
        "mobile": mobile, "unet": unet, "encoder": encoder, "deep": deep,
        "text": lambda: stack(ids(200), L.Embedding(20000, 32), L.GlobalAveragePooling1D(), relu(64),
                              L.Dense(1, activation="sigmoid")),
        "wide": lambda: stack(keras.Input((256,)), relu(2048), relu(2048), L.Dense(10, activation="softmax")),
        "autoencoder": lambda: stack(keras.Input((784,)), relu(256), relu(64), relu(256),
                                     L.Dense(784, activation="sigmoid")),
    }[work]()


def torch_model(nn, F, torch):
    class Last(nn.Module):
        """A recurrent stack's last output."""

        def __init__(self, rnn, embedding=None):
            super().__init__()
            self.rnn, self.embedding = rnn, embedding

        def forward(self, x):
            out, state = self.rnn(x if self.embedding is None else self.embedding(x))
            if self.rnn.bidirectional:
                return torch.cat([state[0][0], state[0][1]], -1)
            return out[:, -1]

    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.f = nn.Embedding(20000, 32), nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 1))

        def forward(self, x):
            return self.f(self.e(x).mean(1))

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(tuple(range(2, x.dim())))

    def pair(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())

    class Unet(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = pair(3, 16), pair(16, 32), pair(32, 64)
            self.u, self.v = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)
            self.d, self.g, self.o = pair(64, 32), pair(32, 16), nn.Conv2d(16, 1, 1)

        def forward(self, x):
            a = self.a(x)
            b = self.b(F.max_pool2d(a, 2))
            c = self.c(F.max_pool2d(b, 2))
            h = self.d(torch.cat([self.u(c), b], 1))
            return self.o(self.g(torch.cat([self.v(h), a], 1)))

    class Encoder(nn.Module):
        def __init__(self, d=192, heads=6, blocks=4):
            super().__init__()
            self.heads, each = heads, lambda make: nn.ModuleList([make() for _ in range(blocks)])
            self.e = nn.Embedding(20000, d)
            self.q, self.o = each(lambda: nn.Linear(d, 3 * d)), each(lambda: nn.Linear(d, d))
            self.f = each(lambda: nn.Sequential(nn.Linear(d, 4 * d), nn.ReLU(), nn.Linear(4 * d, d)))
            self.n, self.m = each(lambda: nn.LayerNorm(d)), each(lambda: nn.LayerNorm(d))
            self.out = nn.Linear(d, 1)

        def forward(self, x):
            h = self.e(x)
            b, t, d = h.shape
            for q, o, f, n, m in zip(self.q, self.o, self.f, self.n, self.m):
                parts = q(h).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
                a = F.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(b, t, d)
                h = n(h + F.dropout(o(a), 0.1, self.training))
                h = m(h + F.dropout(f(h), 0.1, self.training))
            return self.out(h.mean(1))

    def mobile():
        layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
        before = 32
        for filters, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
            layers += [nn.Conv2d(before, before, 3, strides, 1, groups=before, bias=False), nn.BatchNorm2d(before),
                       nn.ReLU6(), nn.Conv2d(before, filters, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU6()]
            before = filters
        return nn.Sequential(*layers, Mean(), nn.Linear(256, 10))

    def deep():
        layers = [nn.Linear(32, 64), nn.ReLU()]
        for _ in range(16):
            layers += [nn.Linear(64, 64), nn.ReLU(), nn.BatchNorm1d(64), nn.Dropout(0.2)]
        return nn.Sequential(*layers, nn.Linear(64, 10))

    return {
        "gru": lambda: nn.Sequential(Last(nn.GRU(16, 96, 2, batch_first=True)), nn.Linear(96, 10)),
        "bilstm": lambda: nn.Sequential(Last(nn.LSTM(64, 64, batch_first=True, bidirectional=True),
                                             nn.Embedding(20000, 64)), nn.Linear(128, 1)),
        "conv1d": lambda: nn.Sequential(nn.Conv1d(9, 64, 5, padding=2), nn.ReLU(), nn.BatchNorm1d(64), nn.MaxPool1d(2),
                                        nn.Conv1d(64, 128, 5, padding=2), nn.ReLU(), nn.BatchNorm1d(128), Mean(),
                                        nn.Linear(128, 10)),
        "mobile": mobile, "unet": Unet, "encoder": Encoder, "text": Text, "deep": deep,
        "wide": lambda: nn.Sequential(nn.Linear(256, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(),
                                      nn.Linear(2048, 10)),
        "autoencoder": lambda: nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(),
                                             nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid()),
    }[work]()


def keras_epoch():
    os.environ["KERAS_BACKEND"] = {"keras-tf": "tensorflow", "keras-jax": "jax"}[peer]
    import keras
    model = keras_model(keras.layers, keras)
    loss = ("mse" if work == "autoencoder" else "binary_crossentropy" if work in TOKENS or work == "unet" else
            "sparse_categorical_crossentropy")
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return lambda: model.fit(x, y, epochs=1, batch_size=batch, verbose=0)


def torch_epoch():
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    torch.set_num_threads(threads)
    model = torch_model(nn, F, torch)
    X, Y = torch.from_numpy(x), torch.from_numpy(y)
    X = X.long() if work in TOKENS else X
    if work in ("mobile", "unet", "conv1d"):
        X = X.movedim(-1, 1).contiguous()
    if work == "unet":
        Y = Y.movedim(-1, 1).contiguous()
    if peer == "torch-cl" and X.dim() == 4:
        model, X = model.to(memory_format=torch.channels_last), X.contiguous(memory_format=torch.channels_last)
    call = torch.compile(model) if peer == "torch-compile" else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    binary = work in TOKENS or work == "unet"
    loss_of = F.mse_loss if work == "autoencoder" else F.binary_cross_entropy_with_logits if binary else (
        lambda p, t: F.cross_entropy(p, t.long()))

    def epoch():
        model.train()
        order = torch.randperm(len(X))
        for i in range(0, len(X), batch):
            rows = order[i:i + batch]
            loss = loss_of(call(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return epoch


epoch = keras_epoch() if peer.startswith("keras") else torch_epoch()
epoch()
epoch()
times, cpu = [], []
for _ in range(5):
    start, cpu_start = time.perf_counter(), time.process_time()
    epoch()
    times.append(time.perf_counter() - start)
    cpu.append(time.process_time() - cpu_start)
print(json.dumps({"peer": peer, "work": work, "samples_per_s": round(len(x) / sorted(times)[2]),
                  "best": round(len(x) / min(times)), "cpu_us": round(min(cpu) / len(x) * 1e6, 1),
                  "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
