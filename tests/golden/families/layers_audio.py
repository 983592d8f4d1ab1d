"""Spectra of sounds."""

from layer_case import case

SOUND = (2, 40, 2)


def _stft():
    for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
        yield case(f"stft_{mode}", "STFTSpectrogram", dict(mode=mode, frame_length=12), SOUND,
                   gradients=mode != "angle")
    yield case("stft_options", "STFTSpectrogram", dict(
        mode="magnitude", frame_length=10, frame_step=3, fft_length=24, window="hamming", periodic=True,
        scaling="spectrum", padding="same", expand_dims=True), SOUND)
    yield case("stft_channels_first", "STFTSpectrogram", dict(
        mode="psd", frame_length=8, window=None, scaling=None, data_format="channels_first"), (2, 3, 30))
    yield case("stft_channels_first_expanded", "STFTSpectrogram", dict(
        mode="stft", frame_length=8, data_format="channels_first", expand_dims=True), (2, 3, 30))


def _mel():
    yield case("mel", "MelSpectrogram", dict(
        fft_length=32, sequence_stride=8, num_mel_bins=6, sampling_rate=800), (2, 90))
    yield case("mel_power", "MelSpectrogram", dict(
        fft_length=32, sequence_stride=10, sequence_length=20, window="hamming", num_mel_bins=5, sampling_rate=4000,
        min_freq=100, max_freq=1500, power_to_db=False, mag_exp=1.0), (2, 64))
    yield case("mel_no_window", "MelSpectrogram", dict(
        fft_length=16, sequence_stride=8, window=None, num_mel_bins=4, sampling_rate=1000, ref_power=2.0, top_db=20.0),
        (1, 40))


CASES = [*_stft(), *_mel()]
