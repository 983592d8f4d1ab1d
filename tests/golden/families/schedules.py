"""Learning-rate schedules at whole steps, before, at and after every corner."""

import golden_io as g
import keras
import numpy as np

STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 19, 20, 21, 30, 31, 40, 63, 100, 1000]
TABLE = [
    ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.9)),
    ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5, staircase=True)),
    ("InverseTimeDecay", dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.9)),
    ("InverseTimeDecay", dict(initial_learning_rate=0.1, decay_steps=4, decay_rate=0.5, staircase=True)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=20)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=10, end_learning_rate=0.01, power=2.0)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=10, end_learning_rate=0.01, power=0.5, cycle=True)),
    ("PiecewiseConstantDecay", dict(boundaries=[3, 10, 20], values=[1.0, 0.5, 0.1, 0.02])),
    ("CosineDecay", dict(initial_learning_rate=0.1, decay_steps=20)),
    ("CosineDecay", dict(initial_learning_rate=0.1, decay_steps=30, alpha=0.2)),
    ("CosineDecay", dict(initial_learning_rate=0.0, decay_steps=20, warmup_target=0.3, warmup_steps=10)),
    ("CosineDecay", dict(initial_learning_rate=0.05, decay_steps=20, alpha=0.1, warmup_target=0.3, warmup_steps=5)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=7)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=10, t_mul=1.0, m_mul=0.5, alpha=0.1)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=5, t_mul=1.5, m_mul=0.8)),
]


def make(directory):
    cases = []
    for index, (class_name, kwargs) in enumerate(TABLE):
        g.reset()
        schedule = getattr(keras.optimizers.schedules, class_name)(**kwargs)
        values = np.array([float(schedule(step)) for step in STEPS], "float32")
        cases.append(dict(name=f"{class_name}_{index}", class_name=class_name, config=g.config_of(schedule),
                          steps=STEPS, values=values))
    return cases
