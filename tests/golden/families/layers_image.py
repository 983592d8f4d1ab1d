"""Layers over images. Random ones are recorded in training, with ranges of one value."""

import numpy as np
from layer_case import case


def _pixels(*shape, dtype="float32", most=255.0):
    def make(rng):
        values = np.round(rng.uniform(0.0, most, shape), 3)
        return values.astype(dtype)
    return make


SMALL = _pixels(2, 5, 7, 3)
FIRST = _pixels(2, 3, 5, 6)


def _resizing():
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        yield case(f"resizing_{interpolation}_up", "Resizing", dict(
            height=9, width=8, interpolation=interpolation), SMALL)
        for antialias in (False, True):
            yield case(f"resizing_{interpolation}_down_{antialias}", "Resizing", dict(
                height=3, width=4, interpolation=interpolation, antialias=antialias), SMALL)
    yield case("resizing_crop", "Resizing", dict(height=4, width=4, crop_to_aspect_ratio=True), SMALL)
    yield case("resizing_crop_tall", "Resizing", dict(height=8, width=3, crop_to_aspect_ratio=True), SMALL)
    yield case("resizing_pad", "Resizing", dict(height=4, width=4, pad_to_aspect_ratio=True, fill_value=3.5), SMALL)
    yield case("resizing_pad_wide", "Resizing", dict(height=3, width=9, pad_to_aspect_ratio=True), SMALL)
    yield case("resizing_channels_first", "Resizing", dict(height=4, width=9, data_format="channels_first"), FIRST)
    yield case("resizing_bytes", "Resizing", dict(height=4, width=9, interpolation="bicubic"),
               _pixels(2, 5, 6, 3, dtype="uint8"), gradients=False)
    yield case("center_crop", "CenterCrop", dict(height=3, width=4), SMALL)
    yield case("center_crop_wider", "CenterCrop", dict(height=3, width=9), SMALL)
    yield case("center_crop_larger", "CenterCrop", dict(height=8, width=6), SMALL)
    yield case("center_crop_channels_first", "CenterCrop", dict(height=2, width=5, data_format="channels_first"), FIRST)
    yield case("random_crop_small_images", "RandomCrop", dict(height=8, width=6, seed=1), SMALL, training=True)
    yield case("random_crop_inference", "RandomCrop", dict(height=3, width=3, seed=1), SMALL)


def _transforms():
    for mode in ("reflect", "wrap", "constant", "nearest"):
        for interpolation in ("bilinear", "nearest"):
            options = dict(fill_mode=mode, interpolation=interpolation, fill_value=9.0, seed=3)
            name = f"{mode}_{interpolation}"
            yield case(f"random_rotation_{name}", "RandomRotation", dict(factor=(0.13, 0.13), **options), SMALL,
                       training=True)
            yield case(f"random_translation_{name}", "RandomTranslation", dict(
                height_factor=(0.31, 0.31), width_factor=(-0.47, -0.47), **options), SMALL, training=True)
            yield case(f"random_zoom_{name}", "RandomZoom", dict(
                height_factor=(0.37, 0.37), width_factor=(-0.41, -0.41), **options), SMALL, training=True)
    yield case("random_rotation_channels_first", "RandomRotation", dict(
        factor=(-0.2, -0.2), data_format="channels_first"), FIRST, training=True)
    yield case("random_zoom_one_factor", "RandomZoom", dict(height_factor=(-0.3, -0.3)), SMALL, training=True)
    yield case("random_shear_none", "RandomShear", dict(x_factor=0.0, y_factor=(0.0, 0.0)), SMALL, training=True)
    yield case("random_perspective_none", "RandomPerspective", dict(factor=(1.0, 1.0), scale=0.0), SMALL, training=True)
    for name, options in (("RandomRotation", dict(factor=0.2)), ("RandomFlip", dict(mode="vertical")),
                          ("RandomTranslation", dict(height_factor=0.2, width_factor=(-0.1, 0.3))),
                          ("RandomZoom", dict(height_factor=0.2)), ("RandomShear", dict(x_factor=0.2)),
                          ("RandomPerspective", dict(factor=0.4)), ("RandomElasticTransform", dict(scale=0.3))):
        yield case(f"{name.lower()}_inference", name, options, SMALL)


def _colors():
    for name, factor in (("RandomBrightness", 0.3), ("RandomBrightness", -0.2), ("RandomContrast", 0.0),
                         ("RandomSaturation", 0.3), ("RandomSaturation", 0.6), ("RandomColorDegeneration", 0.4),
                         ("RandomSharpness", 0.2), ("RandomSharpness", 0.9), ("RandomHue", 1.0), ("RandomHue", 0.0),
                         ("RandomPosterization", 3), ("RandomInvert", 1.0)):
        yield case(f"{name.lower()}_{factor}", name, dict(factor=(factor, factor)), SMALL, training=True)
        yield case(f"{name.lower()}_{factor}_first", name, dict(factor=(factor, factor), data_format="channels_first"),
                   FIRST, training=True)
        yield case(f"{name.lower()}_{factor}_inference", name, dict(factor=factor), SMALL) if factor >= 0 else None
    unit = _pixels(2, 4, 5, 3, most=1.0)
    yield case("random_brightness_unit", "RandomBrightness", dict(factor=(0.1, 0.1), value_range=(0, 1)), unit,
               training=True)
    yield case("random_hue_unit", "RandomHue", dict(factor=(1.0, 1.0), value_range=(0, 1)), unit, training=True)
    yield case("random_posterization_unit", "RandomPosterization", dict(factor=(4, 4), value_range=(0, 1)), unit,
               training=True)
    yield case("random_grayscale", "RandomGrayscale", dict(factor=1.0), SMALL, training=True)
    yield case("random_grayscale_inference", "RandomGrayscale", dict(factor=1.0), SMALL)
    yield case("solarization", "Solarization", dict(), SMALL, training=True)
    yield case("solarization_inference", "Solarization", dict(addition_factor=0.2, threshold_factor=(0.1, 0.5)), SMALL)
    yield case("color_jitter", "RandomColorJitter", dict(
        brightness_factor=(0.1, 0.1), contrast_factor=(0.0, 0.0), saturation_factor=(0.4, 0.4), hue_factor=(0.0, 0.0)),
        SMALL, training=True)
    yield case("color_jitter_inference", "RandomColorJitter", dict(brightness_factor=0.1), SMALL)
    yield case("auto_contrast", "AutoContrast", dict(), SMALL)
    yield case("auto_contrast_unit", "AutoContrast", dict(value_range=(0, 1)), unit, training=True)
    yield case("auto_contrast_channels_first", "AutoContrast", dict(data_format="channels_first"), FIRST)
    yield case("auto_contrast_flat", "AutoContrast", dict(), np.full((1, 3, 3, 1), 7.0, "float32"), gradients=False)
    yield case("equalization", "Equalization", dict(), SMALL, training=True, gradients=False)
    yield case("equalization_bins", "Equalization", dict(bins=16), SMALL, training=True, gradients=False)
    yield case("equalization_inference", "Equalization", dict(), SMALL)
    yield case("clahe", "ContrastLimitedAdaptiveHistogramEqualization", dict(tile_grid_size=(2, 3)),
               _pixels(2, 8, 9, 3), gradients=False)
    yield case("clahe_padded", "ContrastLimitedAdaptiveHistogramEqualization", dict(
        tile_grid_size=(2, 2), clip_limit=1.5, value_range=(0, 1)), _pixels(1, 7, 5, 1, most=1.0), gradients=False)
    yield case("gaussian_blur", "RandomGaussianBlur", dict(
        factor=(1.0, 1.0), kernel_size=(5, 3), sigma=(0.8, 0.8)), SMALL, training=True)
    yield case("gaussian_blur_first", "RandomGaussianBlur", dict(
        factor=(1.0, 1.0), kernel_size=(3, 5), sigma=(0.5, 0.5), data_format="channels_first"), FIRST, training=True)
    yield case("erasing_all", "RandomErasing", dict(factor=(1.0, 1.0), scale=(1.0, 1.0), fill_value=7.0), SMALL,
               training=True)
    for name in ("RandomErasing", "CutMix", "MixUp", "RandAugment", "AugMix", "RandomGaussianBlur"):
        yield case(f"{name.lower()}_inference", name, dict(), SMALL)
    yield case("rand_augment_options", "RandAugment", dict(factor=(0.1, 0.4), num_ops=3, value_range=(0, 1)), SMALL)
    yield case("aug_mix_options", "AugMix", dict(factor=0.2, num_chains=2, alpha=0.5, all_ops=False, seed=4), SMALL)


CASES = [*_resizing(), *_transforms(), *(one for one in _colors() if one)]
