"""Metrics of the first version: the result after each of several weighted and unweighted updates."""

import golden_io as g
import keras
import numpy as np
from families.losses import labels, normals, one_hot, probabilities, uniforms


def run(name, class_name, kwargs, makers, weights=(None, None, None), masks=(None, None, None), batches=(5, 1, 4)):
    """makers: functions of the batch size that give makers of (y_true, y_pred), or of (values,) for Mean and Sum."""
    g.reset()
    rng = g.rng_for(name)
    metric = getattr(keras.metrics, class_name)(**kwargs)
    config = g.config_of(metric)
    updates = []
    for batch, weight, mask in zip(batches, weights, masks):
        arrays = [maker(batch)(rng) for maker in makers]
        weight = weight(batch)(rng) if weight is not None else None
        extra = {} if weight is None else {"sample_weight": weight}
        if mask is not None:
            mask = rng.integers(0, 2, (batch,)).astype(bool)
            tensor = keras.ops.convert_to_tensor(arrays[-1])
            keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(mask))
            metric.update_state(*arrays[:-1], tensor, **extra)
        else:
            metric.update_state(*arrays, **extra)
        update = {"values": arrays[0]} if len(arrays) == 1 else {"y_true": arrays[0], "y_pred": arrays[1]}
        if mask is not None:
            update["mask"] = mask
        updates.append({**update, **extra, "result": np.asarray(metric.result())})
    variables = [dict(path=v.path.split("/", 1)[-1], value=np.asarray(v.value)) for v in metric.variables]
    metric.reset_state()
    return dict(name=name, class_name=class_name, config=config, updates=updates, variables=variables,
                result_after_reset=np.asarray(metric.result()))


def shaped(maker, *tail):
    return lambda batch: maker((batch,) + tail)


W = shaped(uniforms)
COLUMN = shaped(uniforms, 1)


def common(kinds):
    for class_name, makers in kinds.items():
        yield run(class_name, class_name, dict(), makers)
        yield run(class_name + "_weights", class_name, dict(), makers, weights=(W, None, W))
        yield run(class_name + "_mask", class_name, dict(), makers, masks=(True, None, True))
        yield run(class_name + "_mask_weights", class_name, dict(), makers, masks=(True, None, True), weights=(W, W, W))


def several(shape_true, shape_pred):
    return [shaped(normals, *shape_true), shaped(normals, *shape_pred)]


def sparse(*tail, classes):
    return lambda batch: labels((batch,) + tail, classes)


KINDS = {
    "MeanSquaredError": several((3,), (3,)),
    "MeanAbsoluteError": several((3,), (3,)),
    "RootMeanSquaredError": several((3,), (3,)),
    "BinaryAccuracy": [sparse(3, classes=2), shaped(uniforms, 3)],
    "CategoricalAccuracy": [shaped(one_hot, 4), shaped(probabilities, 4)],
    "SparseCategoricalAccuracy": [sparse(classes=4), shaped(probabilities, 4)],
    "TopKCategoricalAccuracy": [shaped(one_hot, 7), shaped(probabilities, 7)],
    "SparseTopKCategoricalAccuracy": [sparse(classes=7), shaped(probabilities, 7)],
    "Accuracy": [sparse(3, classes=2), sparse(3, classes=2)],
    "BinaryCrossentropy": [sparse(3, classes=2), shaped(uniforms, 3)],
    "CategoricalCrossentropy": [shaped(one_hot, 4), shaped(probabilities, 4)],
    "SparseCategoricalCrossentropy": [sparse(classes=4), shaped(probabilities, 4)],
}


def special():
    values = [shaped(normals)]
    yield run("Mean", "Mean", dict(), values)
    yield run("Mean_weights", "Mean", dict(), values, weights=(W, None, W))
    yield run("Mean_rank2", "Mean", dict(), [shaped(normals, 3)])
    yield run("Mean_rank2_weights", "Mean", dict(), [shaped(normals, 3)], weights=(W, W, None))
    yield run("Mean_rank2_full_weights", "Mean", dict(), [shaped(normals, 3)], weights=(shaped(uniforms, 3), W, None))
    yield run("Mean_scalar", "Mean", dict(), [lambda b: normals(())])
    yield run("Mean_scalar_weights", "Mean", dict(), [lambda b: normals(())], weights=[lambda b: uniforms(())] * 3)
    yield run("Sum", "Sum", dict(), values)
    yield run("Sum_weights", "Sum", dict(), values, weights=(W, None, W))
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        yield run(name + "_rank3", name, dict(), several((2, 3), (2, 3)))
        yield run(name + "_rank3_weights", name, dict(), several((2, 3), (2, 3)), weights=(W, shaped(uniforms, 2), W))
        yield run(name + "_squeeze", name, dict(), several((), (1,)), weights=(None, W, COLUMN))
    yield run("BinaryAccuracy_threshold", "BinaryAccuracy", dict(threshold=0.7), KINDS["BinaryAccuracy"])
    yield run("BinaryAccuracy_at_threshold", "BinaryAccuracy", dict(), [
        lambda b: lambda rng: np.array([[1.0], [0.0]], "float32"),
        lambda b: lambda rng: np.array([[0.5], [0.5]], "float32")])
    yield run("BinaryAccuracy_squeeze", "BinaryAccuracy", dict(), [sparse(classes=2), shaped(uniforms, 1)])
    yield run("CategoricalAccuracy_ties", "CategoricalAccuracy", dict(), [
        lambda b: lambda rng: np.eye(3, dtype="float32"), lambda b: lambda rng: np.full((3, 3), 0.3, "float32")])
    yield run("CategoricalAccuracy_rank3", "CategoricalAccuracy", dict(), [
        shaped(one_hot, 2, 3), shaped(probabilities, 2, 3)])
    yield run("CategoricalAccuracy_rank3_weights", "CategoricalAccuracy", dict(), [
        shaped(one_hot, 2, 3), shaped(probabilities, 2, 3)], weights=(shaped(uniforms, 2), W, None))
    yield run("SparseCategoricalAccuracy_column", "SparseCategoricalAccuracy", dict(), [
        sparse(1, classes=4), shaped(probabilities, 4)])
    yield run("SparseCategoricalAccuracy_rank3", "SparseCategoricalAccuracy", dict(), [
        sparse(2, classes=3), shaped(probabilities, 2, 3)], weights=(shaped(uniforms, 2), None, W))
    for k in (1, 2, 9):
        yield run(f"TopKCategoricalAccuracy_k{k}", "TopKCategoricalAccuracy", dict(k=k), KINDS["TopKCategoricalAccuracy"])
        yield run(f"SparseTopKCategoricalAccuracy_k{k}", "SparseTopKCategoricalAccuracy", dict(k=k),
                  KINDS["SparseTopKCategoricalAccuracy"])
    yield run("TopKCategoricalAccuracy_ties", "TopKCategoricalAccuracy", dict(k=2), [
        lambda b: lambda rng: np.eye(4, dtype="float32"), lambda b: lambda rng: np.full((4, 4), 0.25, "float32")])
    yield run("BinaryCrossentropy_options", "BinaryCrossentropy", dict(from_logits=True, label_smoothing=0.1), [
        sparse(3, classes=2), shaped(normals, 3)])
    yield run("CategoricalCrossentropy_options", "CategoricalCrossentropy", dict(
        from_logits=True, label_smoothing=0.1), [shaped(one_hot, 4), shaped(normals, 4)])
    yield run("SparseCategoricalCrossentropy_logits", "SparseCategoricalCrossentropy", dict(from_logits=True), [
        sparse(classes=4), shaped(normals, 4)])


def area():
    binary = [sparse(classes=2), shaped(uniforms)]
    column = [sparse(1, classes=2), shaped(uniforms, 1)]
    large = dict(batches=(30, 11, 25))
    for curve in ("ROC", "PR"):
        for method in ("interpolation", "minoring", "majoring"):
            yield run(f"AUC_{curve}_{method}", "AUC", dict(curve=curve, summation_method=method), binary, **large)
    yield run("AUC_PRGAIN", "AUC", dict(curve="PRGAIN"), binary, **large)
    yield run("AUC_few_thresholds", "AUC", dict(num_thresholds=5), binary, **large)
    yield run("AUC_uneven_thresholds", "AUC", dict(thresholds=[0.3, 0.5, 0.55, 0.9]), binary, **large)
    yield run("AUC_weights", "AUC", dict(), column, weights=(W, None, COLUMN), **large)
    yield run("AUC_logits", "AUC", dict(from_logits=True), [sparse(1, classes=2), shaped(normals, 1)], **large)
    yield run("AUC_multi_label", "AUC", dict(multi_label=True), [sparse(3, classes=2), shaped(uniforms, 3)], **large)
    yield run("AUC_multi_label_weights", "AUC", dict(multi_label=True, num_labels=3, label_weights=[0.2, 0.5, 1.0]), [
        sparse(3, classes=2), shaped(uniforms, 3)], weights=(W, None, W), **large)
    yield run("AUC_multi_label_PR", "AUC", dict(multi_label=True, curve="PR", num_thresholds=20), [
        sparse(3, classes=2), shaped(uniforms, 3)], **large)
    yield run("AUC_rank2_flattened", "AUC", dict(), [sparse(3, classes=2), shaped(uniforms, 3)], **large)
    yield run("AUC_one_class", "AUC", dict(), [sparse(classes=1), shaped(uniforms)])


def make(directory):
    return list(common(KINDS)) + list(special()) + list(area())
