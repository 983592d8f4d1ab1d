"""The other metrics of Keras."""

from families.losses import normals, one_hot, probabilities, uniforms
from families.metrics import W, run, shaped, sparse

BINARY = [sparse(3, classes=2), shaped(uniforms, 3)]
CLASSES = [shaped(one_hot, 4), shaped(probabilities, 4)]
REAL = [shaped(normals, 3), shaped(normals, 3)]

TABLE = [
    ("Precision", BINARY, [dict(), dict(thresholds=0.3), dict(thresholds=[0.2, 0.7]), dict(class_id=1), dict(top_k=1)]),
    ("Recall", BINARY, [dict(), dict(thresholds=[0.2, 0.7]), dict(class_id=1), dict(top_k=2)]),
    ("TruePositives", BINARY, [dict(), dict(thresholds=[0.2, 0.7])]),
    ("TrueNegatives", BINARY, [dict()]), ("FalsePositives", BINARY, [dict()]), ("FalseNegatives", BINARY, [dict()]),
    ("PrecisionAtRecall", BINARY, [dict(recall=0.6)]), ("RecallAtPrecision", BINARY, [dict(precision=0.6)]),
    ("SensitivityAtSpecificity", BINARY, [dict(specificity=0.6)]),
    ("SpecificityAtSensitivity", BINARY, [dict(sensitivity=0.6)]),
    ("F1Score", CLASSES, [dict(), dict(average="macro"), dict(average="micro"), dict(average="weighted"),
                          dict(threshold=0.4)]),
    ("FBetaScore", CLASSES, [dict(beta=2.0), dict(beta=0.5, average="macro")]),
    ("Hinge", BINARY, [dict()]), ("SquaredHinge", BINARY, [dict()]), ("CategoricalHinge", CLASSES, [dict()]),
    ("KLDivergence", [shaped(probabilities, 4), shaped(probabilities, 4)], [dict()]),
    ("Poisson", [shaped(uniforms, 3), shaped(uniforms, 3)], [dict()]),
    ("LogCoshError", REAL, [dict()]), ("CosineSimilarity", REAL, [dict()]),
    ("MeanAbsolutePercentageError", REAL, [dict()]),
    ("MeanSquaredLogarithmicError", [shaped(uniforms, 3), shaped(uniforms, 3)], [dict()]),
    ("R2Score", REAL, [dict(), dict(class_aggregation=None), dict(class_aggregation="variance_weighted_average")]),
    ("BinaryIoU", BINARY, [dict(), dict(threshold=0.3, target_class_ids=[1])]),
    ("MeanIoU", [sparse(classes=3), sparse(classes=3)], [dict(num_classes=3)]),
    ("IoU", [sparse(classes=3), sparse(classes=3)], [dict(num_classes=3, target_class_ids=[0, 2])]),
    ("OneHotIoU", CLASSES, [dict(num_classes=4, target_class_ids=[0, 2])]),
    ("OneHotMeanIoU", CLASSES, [dict(num_classes=4)]),
    ("PearsonCorrelation", REAL, [dict()]), ("ConcordanceCorrelation", REAL, [dict()]),
]


def make(directory):
    cases = []
    for class_name, makers, variants in TABLE:
        for index, kwargs in enumerate(variants):
            name = class_name if not index else f"{class_name}_{index}"
            cases.append(run(name, class_name, kwargs, makers, batches=(7, 4, 9)))
            if not index and makers is not BINARY and "Correlation" not in class_name:
                cases.append(run(name + "_weights", class_name, kwargs, makers, weights=(W, None, W), batches=(7, 4, 9)))
    return cases
