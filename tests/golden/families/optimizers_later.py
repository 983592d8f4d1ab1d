"""The optimizers that come next: their own options and some of the common ones."""

from families.optimizers import run

TABLE = {
    "Adamax": [dict(), dict(learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)],
    "Nadam": [dict(), dict(learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)],
    "Adagrad": [dict(), dict(learning_rate=0.1, initial_accumulator_value=0.3, epsilon=1e-3)],
    "Adadelta": [dict(), dict(learning_rate=1.0, rho=0.8, epsilon=1e-3)],
    "Lion": [dict(), dict(learning_rate=0.1, beta_1=0.7, beta_2=0.8, weight_decay=0.1)],
    "Ftrl": [dict(), dict(learning_rate=0.1, l1_regularization_strength=0.05, l2_regularization_strength=0.1,
                          l2_shrinkage_regularization_strength=0.02, beta=0.3, learning_rate_power=-0.4,
                          initial_accumulator_value=0.2)],
    "Lamb": [dict(), dict(learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)],
    "Adafactor": [dict(), dict(learning_rate=0.1, relative_step=False, beta_2_decay=-0.5, clip_threshold=0.8)],
}
SHARED = {"decay_clip": dict(learning_rate=0.1, weight_decay=0.05, clipnorm=0.7),
          "accumulation_ema": dict(learning_rate=0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5,
                                   ema_overwrite_frequency=2)}


def make(directory):
    cases = []
    for class_name, variants in TABLE.items():
        for tail, kwargs in [("default", variants[0]), ("options", variants[1]), *SHARED.items()]:
            cases.append(run(class_name, f"{class_name}_{tail}", kwargs))
    return cases
