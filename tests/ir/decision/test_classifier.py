from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.ir.decision.classifier import (
    Basis,
    Classifier,
    least_probability,
    read_classifier,
    shipped_classifier,
    terms_of,
)
from filmscand.ir.decision.region_features import FEATURES

COUNT = len(FEATURES)
TERMS = COUNT * (COUNT + 3) // 2


def classifier_of(*weights, features, offset=0.0, middle=0.0, spread=1.0):
    """A classifier for features of -2 to 2; weights that are not given are 0."""
    padded = np.zeros(features * (features + 3) // 2)
    padded[: len(weights)] = weights
    low, high, mean, scale = (np.full(features, value) for value in (-2.0, 2.0, middle, spread))
    return Classifier(low, high, mean, scale, padded, offset)


def text_of(features=FEATURES):
    part = {name: [1.0] * COUNT for name in ("lowest", "highest", "middle", "spread")}
    part["weights"] = [1.0] * TERMS
    return json.dumps({basis: {"features": list(features), "offset": -2.0, **part} for basis in Basis})


def test_the_probability_is_the_logistic_function_of_the_weighted_features():
    classifier = classifier_of(1.0, -2.0, features=2, offset=0.5)
    probability = classifier.probability(np.array([[1.0, 0.0], [0.0, 1.0], [-0.5, 0.0]]))
    assert probability == pytest.approx([1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(1.5)), 0.5])


def test_features_count_in_deviations_from_their_mean():
    classifier = classifier_of(1.0, features=1, middle=1.0, spread=0.5)
    assert classifier.probability(np.array([[1.0], [1.5]])) == pytest.approx([0.5, 1 / (1 + np.exp(-1))])


def test_the_terms_are_the_features_and_their_products():
    assert terms_of(np.array([[2.0, 3.0, 5.0]])).tolist() == [[2, 3, 5, 4, 6, 10, 9, 15, 25]]


def test_a_product_lets_one_feature_turn_the_meaning_of_another():
    classifier = classifier_of(0.0, 0.0, 0.0, 3.0, features=2)
    together, apart = classifier.probability(np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert together > 0.9
    assert apart < 0.1


def test_beyond_the_range_of_the_fit_nothing_is_extrapolated():
    classifier = classifier_of(1.0, features=1)
    assert classifier.probability(np.array([[2.0]])) == classifier.probability(np.array([[400.0]]))


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_sensitivity_lowers_the_limit(first, second):
    careful, eager = sorted((first, second))
    assert least_probability(eager) <= least_probability(careful)


def test_the_limit_goes_from_certain_to_suspicious():
    limits = [least_probability(sensitivity) for sensitivity in (0.0, 0.5, 1.0)]
    assert limits == pytest.approx([0.99, 0.5, 0.01], abs=1e-4)


@pytest.mark.parametrize("basis", Basis)
def test_the_shipped_weights_have_one_for_each_feature_and_believe_the_evidence(basis):
    classifier = shipped_classifier(basis)
    assert classifier.weights.shape == (TERMS,)
    assert classifier.lowest.shape == classifier.highest.shape == classifier.middle.shape == (COUNT,)
    assert (classifier.spread > 0).all()
    assert (classifier.lowest <= classifier.highest).all()
    seen = "highest_deviation" if basis is Basis.INFRARED else "mean_log_odds"
    assert classifier.weights[FEATURES.index(seen)] > 0


def test_weights_for_other_features_are_refused():
    assert read_classifier(text_of(), Basis.BOTH).offset == -2.0
    with pytest.raises(ValueError, match="something_else"):
        read_classifier(text_of(("something_else", *FEATURES[1:])), Basis.BOTH)
