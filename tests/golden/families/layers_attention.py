"""Attention, AdditiveAttention and MultiHeadAttention with every mask they combine."""

import numpy as np
from layer_case import case

Q, V, K = (2, 3, 4), (2, 5, 4), (2, 5, 4)
Q_MASK = np.array([[1, 1, 0], [1, 1, 1]], bool)
V_MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], bool)
NO_VALUE = np.array([[0, 0, 0, 0, 0], [1, 1, 0, 1, 1]], bool)
PAIR_MASK = np.array([[[1, 1, 0, 1, 0], [0, 1, 0, 0, 1], [1, 0, 0, 0, 0]],
                      [[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 1, 1, 0]]], bool)
SELF = (2, 4, 3)
SELF_MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)


def _dense():
    for layer, prefix in (("Attention", "attention"), ("AdditiveAttention", "additive_attention")):
        def make(name, kwargs, *inputs, prefix=prefix, layer=layer, **options):
            return case(f"{prefix}_{name}", layer, kwargs, *inputs, style="list", **options)

        yield make("query_value", dict(), Q, V)
        yield make("query_value_key", dict(), Q, (2, 5, 6), K)
        yield make("scale", dict(use_scale=True), Q, V)
        yield make("no_scale", dict(use_scale=False), Q, V)
        yield make("causal", dict(), SELF, SELF, call=dict(use_causal_mask=True))
        yield make("causal_longer", dict(), Q, V, call=dict(use_causal_mask=True))
        yield make("value_mask", dict(), Q, V, masks=[None, V_MASK])
        yield make("both_masks", dict(), Q, V, K, masks=[Q_MASK, V_MASK, None])
        yield make("query_mask", dict(), Q, V, masks=[Q_MASK, None])
        yield make("no_value", dict(), Q, V, masks=[None, NO_VALUE])
        yield make("masks_and_causal", dict(), Q, V, masks=[Q_MASK, V_MASK], call=dict(use_causal_mask=True))
        yield make("scores", dict(), Q, V, call=dict(return_attention_scores=True))
        yield make("rate0_training", dict(dropout=0.0, use_scale=True), Q, V, training=True)
        yield make("dropout_inference", dict(dropout=0.4), Q, V)
    yield case("attention_concat", "Attention", dict(score_mode="concat"), Q, V, style="list")
    yield case("attention_concat_scale", "Attention", dict(score_mode="concat", use_scale=True), Q, V, style="list",
               masks=[Q_MASK, V_MASK])


def _heads():
    def make(name, kwargs, *inputs, **options):
        return case(f"multi_head_attention_{name}", "MultiHeadAttention", kwargs, *inputs, style="arguments", **options)

    two = dict(num_heads=2, key_dim=3)
    yield make("query_value", two, Q, V)
    yield make("self", two, SELF, SELF)
    yield make("query_value_key", dict(num_heads=3, key_dim=2), Q, (2, 5, 6), (2, 5, 3))
    # Without the scores Keras takes its fused path, which on jax refuses a value_dim other than key_dim.
    yield make("value_dim", dict(num_heads=2, key_dim=3, value_dim=5), Q, V, call=dict(return_attention_scores=True))
    yield make("no_bias", dict(num_heads=2, key_dim=3, use_bias=False), Q, V)
    yield make("output_shape", dict(num_heads=2, key_dim=3, output_shape=7), Q, V)
    yield make("output_shape_rank2", dict(num_heads=2, key_dim=3, output_shape=(2, 3)), Q, V)
    yield make("one_head", dict(num_heads=1, key_dim=4), Q, V)
    yield make("causal", two, SELF, SELF, call=dict(use_causal_mask=True))
    yield make("scores", two, Q, V, call=dict(return_attention_scores=True))
    yield make("attention_mask", two, Q, V, call=dict(attention_mask=PAIR_MASK))
    yield make("attention_mask_scores", two, Q, V, call=dict(attention_mask=PAIR_MASK, return_attention_scores=True))
    yield make("attention_mask_rank4", two, Q, V, call=dict(
        attention_mask=np.stack([PAIR_MASK, ~PAIR_MASK], axis=1)))
    yield make("attention_mask_causal", two, Q, V, call=dict(attention_mask=PAIR_MASK, use_causal_mask=True))
    yield make("value_mask", two, Q, V, masks=[None, V_MASK])
    yield make("query_mask", two, Q, V, masks=[Q_MASK, None])
    yield make("all_masks", two, Q, V, K, masks=[Q_MASK, V_MASK, V_MASK[::-1].copy()])
    yield make("no_value", two, Q, V, masks=[None, NO_VALUE])
    yield make("no_value_scores", two, Q, V, masks=[None, NO_VALUE], call=dict(return_attention_scores=True))
    yield make("self_mask_causal", two, SELF, SELF, masks=[SELF_MASK, SELF_MASK], call=dict(use_causal_mask=True))
    yield make("axes", dict(num_heads=2, key_dim=3, attention_axes=(1,)), (2, 3, 2, 4), (2, 5, 2, 4))
    yield make("two_axes", dict(num_heads=2, key_dim=3, attention_axes=(1, 2)), (1, 2, 3, 4), (1, 3, 2, 4))
    yield make("default_axes_rank4", two, (1, 2, 3, 4), (1, 3, 2, 4))
    yield make("sliding_window", dict(num_heads=2, key_dim=3, sliding_window=2), SELF, SELF)
    yield make("gate", dict(num_heads=2, key_dim=3, use_gate=True), Q, V)
    yield make("rate0_training", dict(num_heads=2, key_dim=3, dropout=0.0), Q, V, training=True)
    yield make("dropout_inference", dict(num_heads=2, key_dim=3, dropout=0.5, seed=3), Q, V)
    yield make("regularizers", dict(num_heads=2, key_dim=2, kernel_regularizer="l2", bias_regularizer="l1",
                                    activity_regularizer="l1", kernel_initializer="he_normal",
                                    bias_constraint="non_neg"), Q, V)


CASES = list(_dense()) + list(_heads())
