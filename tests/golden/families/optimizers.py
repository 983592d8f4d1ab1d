"""Optimizers: seven steps on two variables with every common option; variables after each step, state at the end."""

import golden_io as g
import keras
import numpy as np

SHAPES = ((2, 3), (5,))
STEPS = 7
schedules = keras.optimizers.schedules

COMMON = {
    "default": dict(),
    "learning_rate": dict(learning_rate=0.1),
    "weight_decay": dict(learning_rate=0.1, weight_decay=0.05),
    "clipnorm": dict(learning_rate=0.1, clipnorm=0.7),
    "clipvalue": dict(learning_rate=0.1, clipvalue=0.3),
    "global_clipnorm": dict(learning_rate=0.1, global_clipnorm=0.9),
    "ema": dict(learning_rate=0.1, use_ema=True, ema_momentum=0.7),
    "ema_overwrite": dict(learning_rate=0.1, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=3),
    "accumulation": dict(learning_rate=0.1, gradient_accumulation_steps=3),
    "accumulation_clipnorm_decay": dict(learning_rate=0.1, gradient_accumulation_steps=2, clipnorm=0.4,
                                        weight_decay=0.03),
    "accumulation_ema": dict(learning_rate=0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5,
                             ema_overwrite_frequency=2),
    "loss_scale_factor": dict(learning_rate=0.1, loss_scale_factor=8.0),
    "loss_scale_clipnorm": dict(learning_rate=0.1, loss_scale_factor=4.0, clipnorm=0.2),
    "exponential_decay": lambda: dict(learning_rate=schedules.ExponentialDecay(0.2, 3, 0.5)),
    "piecewise_decay": lambda: dict(learning_rate=schedules.PiecewiseConstantDecay([2, 4], [0.3, 0.1, 0.01])),
    "cosine_warmup_decay": lambda: dict(
        learning_rate=schedules.CosineDecay(0.01, 4, alpha=0.1, warmup_target=0.2, warmup_steps=2), weight_decay=0.02),
    "schedule_accumulation": lambda: dict(
        learning_rate=schedules.ExponentialDecay(0.2, 2, 0.5, staircase=True), gradient_accumulation_steps=2),
}
FIRST = {
    "SGD": {"momentum": dict(learning_rate=0.1, momentum=0.9),
            "nesterov": dict(learning_rate=0.1, momentum=0.8, nesterov=True),
            "momentum_decay": dict(learning_rate=0.1, momentum=0.9, weight_decay=0.1, clipvalue=0.5)},
    "Adam": {"betas": dict(learning_rate=0.05, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
             "amsgrad": dict(learning_rate=0.1, amsgrad=True)},
    "AdamW": {"betas": dict(learning_rate=0.05, weight_decay=0.2, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
              "amsgrad": dict(learning_rate=0.1, amsgrad=True, weight_decay=0.1)},
    "RMSprop": {"momentum": dict(learning_rate=0.05, momentum=0.7), "rho": dict(learning_rate=0.05, rho=0.5, epsilon=0.01),
                "centered": dict(learning_rate=0.05, centered=True),
                "centered_momentum": dict(learning_rate=0.05, centered=True, momentum=0.6, rho=0.8)},
}


def run(class_name, name, kwargs, excluded=(), constraints=False, steps=STEPS):
    g.reset()
    rng = g.rng_for(name)
    optimizer = getattr(keras.optimizers, class_name)(**(kwargs() if callable(kwargs) else kwargs))
    initial = [g.normal(rng, shape) for shape in SHAPES]
    limits = [keras.constraints.MaxNorm(0.8), keras.constraints.NonNeg()] if constraints else [None] * 2
    variables = [keras.Variable(v, name=f"variable_{i}") for i, v in enumerate(initial)]
    for variable, limit in zip(variables, limits):
        variable.constraint = limit
    config = g.config_of(optimizer)
    if excluded:
        optimizer.exclude_from_weight_decay(var_names=list(excluded))
    rows = []
    for _ in range(steps):
        gradients = [g.normal(rng, shape) for shape in SHAPES]
        rate = np.asarray(optimizer.learning_rate if optimizer.built else optimizer._get_current_learning_rate())
        optimizer.apply(gradients, variables)
        rows.append(dict(gradients=gradients, learning_rate=float(rate),
                         variables=[np.asarray(v.value) for v in variables]))
    state = [dict(path=v.path.split("/", 1)[-1], value=np.asarray(v.value)) for v in optimizer.variables]
    optimizer.finalize_variable_values(variables)
    return dict(name=name, class_name=class_name, config=config, initial=initial,
                constraints=[keras.saving.serialize_keras_object(c) for c in limits],
                excluded_from_weight_decay=list(excluded), steps=rows, optimizer_variables=state,
                finalized=[np.asarray(v.value) for v in variables])


def everything(table):
    for class_name, own in table.items():
        for tail, kwargs in {**COMMON, **own}.items():
            yield run(class_name, f"{class_name}_{tail}", kwargs)
        yield run(class_name, f"{class_name}_excluded", dict(learning_rate=0.1, weight_decay=0.2),
                  excluded=["variable_1"])
        yield run(class_name, f"{class_name}_constraints", dict(learning_rate=0.3), constraints=True)


def make(directory):
    return list(everything(FIRST))
