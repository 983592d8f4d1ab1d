"""Operations as nodes of a graph, the rarer ones of keras.ops: one model of all of them, saved, and run by Nyala."""

import os
import sys
import tempfile
import warnings

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keras
import numpy as np
from files_live import Jobs, close
from keras import ops

WEIGHTS = np.array([1.0, 2.0, -1.0], "float32")


def nodes(x, holes, whole, image, square):
    """x: (2, 3, 4); holes: the same with NaN; whole: (2, 6) whole numbers; image: (2, 6, 8, 4); square: (2, 3, 3)."""
    flat = ops.reshape(x[0], (-1,))
    yield from (getattr(ops, name)(x) for name in (
        "cbrt", "deg2rad", "rad2deg", "angle", "conjugate", "real", "imag", "isreal", "isneginf", "isposinf", "signbit",
        "sinc", "erfc"))
    yield from (getattr(ops, name)(x, x * 2.0 - 0.3) for name in ("logaddexp2", "fmod", "fmax", "fmin"))
    yield from (getattr(ops, name)(whole, whole[:, ::-1]) for name in (
        "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm"))
    yield from (ops.bitwise_invert(whole), ops.ldexp(x, 3), ops.saturate_cast(x * 200.0, "int8"))
    yield ops.select([x > 0.5, x < -0.5], [x * 2.0, x * 3.0], 0.25)
    for name in ("nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanvar", "nanstd", "nanmedian"):
        yield getattr(ops, name)(holes, axis=1)
        yield getattr(ops, name)(holes, axis=(1, 2), keepdims=True)
    yield from (getattr(ops, name)(holes, axis=2) for name in ("nanargmax", "nanargmin", "nancumsum", "nancumprod"))
    yield from (ops.median(x, axis=(1, 2), keepdims=True), ops.median(holes, axis=2), ops.ptp(x, axis=2))
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        # Over an axis Keras cannot call its own model.
        yield ops.quantile(x, [0.1, 0.5, 0.83], method=method)
    yield from (ops.percentile(x, 30), ops.nanquantile(holes, [0.2, 0.7]))
    yield from (ops.trapezoid(x, axis=1, dx=0.5), ops.corrcoef(x[0]), ops.cdist(x[0], x[1]), ops.psnr(x, x * 0.9, 1.0))
    yield from (ops.rot90(x, k, axes=(1, 2)) for k in (1, 2, 3))
    yield from (ops.append(x, x, axis=2), ops.diff(x, n=2, axis=2), ops.cross(x[:, :, 1:], x[:, :, :3]))
    yield from (ops.cross(x[:, 0, :2], x[:, 1, :2]), ops.digitize(x, np.array([-1.0, 0.0, 0.5], "float32")))
    yield from (ops.hsplit(x, 3)[1], ops.array_split(whole, 4, axis=1)[1], ops.dstack([x[0], x[1]]))
    yield ops.kron(x[0], x[1])
    yield from (ops.linspace(x, x + 2.0, num=5, axis=1), ops.logspace(x, x + 1.0, num=4, endpoint=False, axis=-1))
    yield from (ops.vander(flat, N=3), ops.isin(whole, np.array([1, 3], "int32"), invert=True))
    yield from ops.unravel_index(whole, (3, 4))
    yield from (ops.correlate(flat, WEIGHTS, mode=mode) for mode in ("valid", "same", "full"))
    for data_format in ("channels_last", "channels_first"):
        yield ops.space_to_depth(image, 2, data_format=data_format)
        yield ops.depth_to_space(image if data_format == "channels_last" else ops.transpose(image, (0, 3, 1, 2)), 2,
                                 data_format=data_format)
    yield ops.unfold(ops.transpose(image, (0, 3, 1, 2)), (2, 3), dilation=(1, 2), padding=1, stride=2)
    patches = ops.unfold(ops.transpose(image, (0, 3, 1, 2)), (2, 3), dilation=(1, 2), padding=1, stride=2)
    yield ops.fold(patches, (6, 8), (2, 3), dilation=(1, 2), padding=1, stride=2)
    yield ops.fold(ops.reshape(image, (2, 32, 6)), (3, 4), 2)
    yield from (ops.image.sobel_edges(image), ops.image.sobel_edges(image, data_format="channels_first"))
    yield ops.image.ssim(image, image * 0.8 + 0.1, filter_size=5)
    yield ops.image.ssim(image[0], image[1], max_val=2.0, filter_size=3, filter_sigma=1.0, k1=0.02, k2=0.05)
    yield ops.image.ssim(image, image * image, filter_size=4, data_format="channels_first")
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
        for order in (0, 1):
            yield ops.image.map_coordinates(square[0], x[:, 0] * 3.0 + 0.7, order, fill_mode=mode, fill_value=0.3)
            yield ops.image.map_coordinates(whole, x[:, :, 0] * 4.0, order, fill_mode=mode)
    yield from (ops.i0(x), ops.i0(x * 9.0), ops.i0(whole), ops.nextafter(x, -x), ops.nextafter(x, 1.0))
    yield ops.segment_prod(x[0], np.array([2, 0, 2], "int32"), 4)
    yield from (ops.multi_hot(whole, 8), ops.extract_sequences(x, 3, 1), ops.diagflat(x[0], k=1))
    picture = image[..., :3]
    yield from (ops.image.rgb_to_grayscale(picture), ops.image.rgb_to_hsv(picture), ops.image.hsv_to_rgb(picture))
    yield from (ops.image.resize(image, (4, 5), interpolation=way, antialias=True) for way in ("bilinear", "bicubic"))
    yield ops.image.resize(image, (4, 4), crop_to_aspect_ratio=True)
    yield ops.image.resize(image, (4, 4), pad_to_aspect_ratio=True, fill_value=0.5)
    yield ops.image.gaussian_blur(image, (3, 5), (1.0, 2.0), data_format="channels_last")
    yield ops.image.pad_images(image, top_padding=2, left_padding=1, target_height=10, target_width=12)
    yield ops.image.crop_images(image, top_cropping=1, left_cropping=2, target_height=4, target_width=3)
    yield ops.image.extract_patches(image, (3, 2), strides=(2, 2), padding="same")
    yield from (ops.solve_triangular(square, x, lower=True), ops.logdet(square), *ops.slogdet(square), ops.pinv(x))
    yield from (ops.matrix_rank(square), ops.moveaxis(image, (1, 2), (3, 1)))
    yield ops.layer_normalization(x, WEIGHTS[:1] * np.ones(4, "float32"), axis=-1, epsilon=1e-3, rms_scaling=True)
    yield ops.nan_to_num(holes, nan=1.0, posinf=2.0, neginf=-3.0)
    yield from (ops.softmax(x[0], axis=None), ops.log_softmax(x[0], axis=None), ops.normalize(x[0], axis=None))
    yield from (ops.sort(x, axis=None), ops.argsort(x, axis=None))
    yield ops.rearrange(image, "b (h p) w c -> b h p (w c)", p=2)
    yield from (ops.slice(x[0], (1, 1), (-1, 2)), ops.norm(x, ord="nuc", axis=(0, 2), keepdims=True))
    yield from (ops.segment_sum(x[0], np.array([-1, 1, 5], "int32"), 3), ops.heaviside(whole - 3, whole))
    yield from (ops.fmod(whole - 3, 2), ops.one_hot(square, 3), ops.diff(x, n=4, axis=1), ops.multi_hot(x[0], 3))
    yield from (ops.rms_normalization(x, x), ops.moments(ops.cast(x * 1e4, "float16"), axes=(0, 1))[1])
    yield ops.geomspace(x, 2.0, num=3)
    for reduction in ("add", "max", "min", "mul"):
        yield ops.scatter_update(x[0], np.array([[0, 1], [1, 2], [0, 1]], "int32"), WEIGHTS, reduction=reduction)


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    holes = x.copy()
    holes[0, 1, 2], holes[1, :, 0] = np.nan, np.nan
    square = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)
    given = [x, holes, rng.integers(0, 7, (2, 6)).astype("int32"), rng.uniform(size=(2, 6, 8, 4)).astype("float32"),
             square.astype("float32")]
    inputs = [keras.Input(batch_shape=value.shape, dtype=value.dtype.name) for value in given]
    model = keras.Model(inputs, list(nodes(*inputs)))
    failures = []
    with tempfile.TemporaryDirectory(prefix="nyala_operations_") as folder:
        base = os.path.join(folder, "all")
        model.save(base + ".keras")
        for i, value in enumerate(given):
            np.save(f"{base}.x{i}.npy", value)
        jobs = Jobs(folder)
        jobs.add("run", base + ".keras", base + ".again.keras", base + ".y",
                 *(f"{base}.x{i}.npy" for i in range(len(given))))
        answer = jobs.run()[0]
        expected = [np.asarray(value) for value in model(given)]
        if answer != "ok":
            failures.append(answer)
        else:
            keras.saving.load_model(base + ".again.keras")  # to call it is beyond Keras: tuples come back as lists
            for i, right in enumerate(expected):
                mine = np.load(f"{base}.y.{i}.npy")
                same = mine.shape == right.shape and mine.dtype == right.dtype
                if not same or not np.array_equal(np.isnan(mine), np.isnan(right)) or \
                        not close(np.nan_to_num(mine), np.nan_to_num(right)):
                    failures.append(f"output {i}: {np.ravel(mine)[:3]} instead of {np.ravel(right)[:3]}: "
                                    f"{mine.dtype} {mine.shape} for {right.dtype} {right.shape}")
    for failure in failures:
        print(failure)
    print(f"{len(model.outputs)} outputs, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
