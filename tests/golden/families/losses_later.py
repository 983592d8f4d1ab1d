"""The other losses of Keras."""

from families.losses import labels, normals, one_hot, probabilities, run, uniforms

MASK_FREE = {
    "MeanAbsolutePercentageError": (normals, normals),
    "MeanSquaredLogarithmicError": (uniforms, uniforms),
    "CosineSimilarity": (normals, normals),
    "LogCosh": (normals, normals),
    "Hinge": (lambda s: labels(s, 2), normals),
    "SquaredHinge": (lambda s: labels(s, 2), normals),
    "CategoricalHinge": (one_hot, normals),
    "KLDivergence": (probabilities, probabilities),
    "Poisson": (uniforms, uniforms),
    "BinaryFocalCrossentropy": (lambda s: labels(s, 2), uniforms),
    "CategoricalFocalCrossentropy": (one_hot, probabilities),
    "CategoricalGeneralizedCrossEntropy": (lambda s: labels(s[:-1], s[-1]), probabilities),
    "Dice": (lambda s: labels(s, 2), uniforms),
    "Tversky": (lambda s: labels(s, 2), uniforms),
}


def make(directory):
    cases = []
    for class_name, (true, pred) in MASK_FREE.items():
        for reduction in ("sum_over_batch_size", "sum", "none"):
            cases.append(run(f"{class_name}_{reduction}", class_name, dict(reduction=reduction), true((5, 3)),
                             pred((5, 3))))
        if class_name not in ("Dice", "Tversky"):
            cases.append(run(f"{class_name}_weights", class_name, dict(), true((5, 3)), pred((5, 3)),
                             sample_weight=uniforms((5,))))
    cases.append(run("BinaryFocalCrossentropy_options", "BinaryFocalCrossentropy", dict(
        apply_class_balancing=True, alpha=0.4, gamma=1.5, from_logits=True, label_smoothing=0.1), labels((5, 3), 2),
        normals((5, 3))))
    cases.append(run("CategoricalFocalCrossentropy_options", "CategoricalFocalCrossentropy", dict(
        alpha=0.4, gamma=1.5, from_logits=True, label_smoothing=0.1), one_hot((5, 3)), normals((5, 3))))
    cases.append(run("Dice_axis", "Dice", dict(axis=(1, 2)), labels((2, 3, 4), 2), uniforms((2, 3, 4))))
    cases.append(run("Tversky_options", "Tversky", dict(alpha=0.3, beta=0.7, axis=(1, 2)), labels((2, 3, 4), 2),
                     uniforms((2, 3, 4))))
    cases.append(run("CosineSimilarity_axis", "CosineSimilarity", dict(axis=1), normals((2, 3, 4)), normals((2, 3, 4))))
    return cases
