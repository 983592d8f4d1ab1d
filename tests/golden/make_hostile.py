"""Remakes files/hostile/: dense_adam.h5 and dense_adam.keras with something in them that a reader must refuse."""

import io
import json
import os
import shutil
import struct
import sys
import zipfile

import h5py
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
KERNEL = "model_weights/dense/dense/dense/kernel"


def h5(name, change):
    path = os.path.join(HERE, "hostile", name + ".h5")
    shutil.copyfile(os.path.join(HERE, "dense_adam.h5"), path)
    with h5py.File(path, "r+") as file:
        change(file)


def replaced(make):
    def change(file):
        kernel = [n for n in find(file) if n.endswith("kernel")][0]
        del file[kernel]
        make(file, kernel)
    return change


def find(file):
    names = []
    file["model_weights"].visititems(lambda n, o: names.append("model_weights/" + n) if isinstance(o, h5py.Dataset) else None)
    return names


def virtual(file, name):
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(3, 4))
    file.create_virtual_dataset(name, layout)


def external(file, name):
    file.create_dataset(name, (3, 4), "f4", external=[("/etc/hostname", 0, 48)])


def cyclic(file):
    group = file["model_weights"]
    inner = group[next(iter(group))]
    inner["again"] = group
    file["model_weights/loop"] = group
    names = [n if isinstance(n, bytes) else n.encode() for n in group.attrs["layer_names"]]
    group.attrs["layer_names"] = [b"/".join([b"loop"] * 300)] + names[1:]


def attribute(name, value, group="/"):
    def change(file):
        del file[group].attrs[name]
        file[group].attrs[name] = value
    return change


def text(file, old, new):
    config = file.attrs["model_config"]
    config = config if isinstance(config, str) else config.decode()
    assert old in config
    attribute("model_config", config.replace(old, new))(file)


def archive(name, change):
    source = zipfile.ZipFile(os.path.join(HERE, "dense_adam.keras"))
    members = [(i.filename, source.read(i.filename), zipfile.ZIP_STORED) for i in source.infolist()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for member, data, method in change(members):
            target.writestr(member, data, method)
    with open(os.path.join(HERE, "hostile", name + ".keras"), "wb") as file:
        file.write(out.getvalue())


def with_config(old, new):
    return lambda members: [(n, d.replace(old, new) if n == "config.json" else d, m) for n, d, m in members]


def of_config(make):
    """The archive with a config made from its own; packed, since there are many."""
    def change(members):
        config = json.loads(dict((n, d) for n, d, _ in members)["config.json"])
        text = make(config)
        return [(n, (text if isinstance(text, str) else json.dumps(text)).encode() if n == "config.json" else d,
                 zipfile.ZIP_DEFLATED) for n, d, _ in members]
    return change


def with_layer(key, value):
    """The first layer that has the key gets another value for it."""
    def make(config):
        for layer in config["config"]["layers"]:
            if key in layer["config"]:
                layer["config"][key] = value
                return config
        raise KeyError(key)
    return of_config(make)


def with_new_layer(class_name, **settings):
    def make(config):
        layers = config["config"]["layers"]
        layers.insert(2, {"module": "keras.layers", "class_name": class_name, "registered_name": None,
                          "config": {"name": "hostile", "trainable": True, "dtype": "float32", **settings}})
        return config
    return of_config(make)


def nested(config):
    inner = config
    for i in range(400):
        inner = {"module": "keras", "class_name": "Sequential", "registered_name": None,
                 "config": {"name": f"s{i}", "layers": [inner]}}
    return inner


def twins(config):
    layers = config["config"]["layers"]
    layers[-1]["config"]["name"] = layers[1]["config"]["name"]
    return config


def graph(edges):
    """A Functional of Dense layers; edges: {layer: [what it is called on]}."""
    layers = [{"module": "keras.layers", "class_name": "InputLayer", "registered_name": None, "name": "x",
               "config": {"batch_shape": [None, 3], "dtype": "float32", "name": "x"}, "inbound_nodes": []}]
    for name, sources in edges.items():
        calls = [{"args": [{"class_name": "__keras_tensor__", "config": {
            "shape": [None, 3], "dtype": "float32", "keras_history": source}}], "kwargs": {}} for source in sources]
        layers.append({"module": "keras.layers", "class_name": "Dense", "registered_name": None, "name": name,
                       "config": {"name": name, "units": 3}, "inbound_nodes": calls})
    return of_config(lambda _: {"module": "keras.src.models.functional", "class_name": "Functional",
                                "registered_name": "Functional",
                                "config": {"name": "graph", "layers": layers, "input_layers": ["x", 0, 0],
                                           "output_layers": [layers[-1]["name"], 0, 0]}})


def patched(name, change):
    with open(os.path.join(HERE, "dense_adam.keras"), "rb") as file:
        data = bytearray(file.read())
    change(data)
    with open(os.path.join(HERE, "hostile", name + ".keras"), "wb") as file:
        file.write(data)


def overlap(data):
    """The directory's second entry points to the first member's content too."""
    first = data.find(b"PK\x01\x02")
    second = data.find(b"PK\x01\x02", first + 4)
    data[second + 42:second + 46] = data[first + 42:first + 46]


def both_headers(offset_local, offset_central, value):
    def change(data):
        last = data.rfind(b"PK\x01\x02")
        begin = struct.unpack_from("<I", data, last + 42)[0]
        struct.pack_into("<H", data, begin + offset_local, value)
        struct.pack_into("<H", data, last + offset_central, value)
    return change


def other_byte(data):
    at = data.rfind(b"PK\x01\x02")
    data[struct.unpack_from("<I", data, at + 42)[0] + 5000] ^= 1


def main():
    sys.setrecursionlimit(100000)
    h5("soft_link", replaced(lambda f, n: f.__setitem__(n, h5py.SoftLink("/model_weights"))))
    h5("external_link", replaced(lambda f, n: f.__setitem__(n, h5py.ExternalLink("/etc/other.h5", "/x"))))
    h5("virtual", replaced(virtual))
    h5("external_data", replaced(external))
    h5("cyclic", cyclic)
    h5("huge_extent", replaced(lambda f, n: f.create_dataset(n, (1 << 40, 1 << 20), "f4", chunks=(1, 1 << 20))))
    h5("bomb", replaced(lambda f, n: f.create_dataset(n, (1 << 24,), "f4", chunks=(1 << 24,), compression=9,
                                                      fillvalue=0).write_direct(np.zeros(1 << 24, "f4"))))
    h5("wrong_shape", replaced(lambda f, n: f.create_dataset(n, data=np.zeros((4, 3), "f4"))))
    h5("wrong_type", replaced(lambda f, n: f.create_dataset(n, data=np.array([b"a"] * 12).reshape(3, 4))))
    h5("complex", replaced(lambda f, n: f.create_dataset(n, data=np.zeros((3, 4), "c8"))))
    h5("a_group", replaced(lambda f, n: f.create_group(n)))
    h5("missing", replaced(lambda f, n: None))
    h5("no_json", attribute("model_config", b"{"))
    h5("deep_json", attribute("model_config", b"[" * 100000))
    h5("number_config", attribute("model_config", 7))
    h5("negative_units", lambda f: text(f, '"units": 4', '"units": -4'))
    h5("huge_units", lambda f: text(f, '"units": 4', '"units": 4000000000'))
    h5("unknown_class", lambda f: text(f, '"class_name": "Dropout"', '"class_name": "Sampling"'))
    h5("array_config", lambda f: attribute("model_config", [f.attrs["model_config"]] * 2)(f))
    h5("number_names", attribute("layer_names", 3.5, "model_weights"))
    h5("soft_circle", replaced(lambda f, n: f.__setitem__(n, h5py.SoftLink("/" + n))))
    archive("climbs", lambda m: m + [("../out.txt", b"x", zipfile.ZIP_STORED)])
    archive("twice", lambda m: m + [("config.json", b"{}", zipfile.ZIP_STORED)])
    archive("no_config", lambda m: m[:1] + m[2:])
    archive("no_weights", lambda m: m[:2])
    archive("bomb", lambda m: [m[0], ("config.json", b" " * (1 << 27), zipfile.ZIP_DEFLATED), m[2]])
    archive("weights_bomb", lambda m: m[:2] + [("model.weights.h5", b"\0" * (1 << 27), zipfile.ZIP_DEFLATED)])
    archive("huge_units", with_config(b'"units": 4', b'"units": 4000000000'))
    archive("packed", lambda m: [(n, d, zipfile.ZIP_DEFLATED) for n, d, _ in m])
    path = os.path.join(HERE, "hostile", "packed.keras")
    os.replace(path, os.path.join(HERE, "dense_packed.keras"))  # this one is honest
    archive("deep_json", of_config(lambda _: "[" * 100000))
    archive("deep_models", of_config(nested))
    archive("many_numbers", of_config(lambda _: "[" + "1," * 3000000 + "1]"))
    archive("twins", of_config(twins))
    archive("huge_list", with_layer("units", [1] * 100000))
    archive("nan_units", with_layer("units", float("nan")))
    archive("infinite_units", with_layer("units", float("inf")))
    archive("huge_rate", with_layer("rate", 1e300))
    archive("no_shape", with_layer("batch_shape", "everything"))
    archive("huge_input", with_layer("batch_shape", [None, 1 << 62]))
    archive("negative_input", with_layer("batch_shape", [None, -5]))
    archive("huge_repeat", with_new_layer("RepeatVector", n=1 << 40))
    archive("huge_padding", with_new_layer("Reshape", target_shape=[1 << 40, 1 << 40]))
    archive("circle", graph({"a": [["b", 0, 0]], "b": [["a", 0, 0]]}))
    archive("itself", graph({"a": [["a", 0, 0]]}))
    archive("no_such_call", graph({"a": [["x", 7, 0]]}))
    archive("no_such_output", graph({"a": [["x", 0, 1 << 40]]}))
    patched("overlap", overlap)
    patched("encrypted", both_headers(6, 8, 1))
    patched("unknown_method", both_headers(8, 10, 12))
    patched("other_byte", other_byte)
    with open(os.path.join(HERE, "dense_adam.keras"), "rb") as file:
        data = bytearray(file.read())
    at = data.rfind(b"PK\x01\x02")  # the central directory's last member lies about its size
    struct.pack_into("<I", data, at + 24, 0x7FFFFFFF)
    with open(os.path.join(HERE, "hostile", "lying_size.keras"), "wb") as file:
        file.write(data)
    for name in ("bomb", "weights_bomb"):  # they are packed well
        assert os.path.getsize(os.path.join(HERE, "hostile", name + ".keras")) < 1 << 20


if __name__ == "__main__":
    main()
