from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.ir.decision.classifier import Basis, Classifier, least_probability, read_classifier, shipped_classifier
from filmscand.ir.decision.region_features import FEATURES

COUNT = len(FEATURES)


def classifier_of(*weights, offset=0.0):
    weights = np.array(weights, float)
    return Classifier(np.full(len(weights), -2.0), np.full(len(weights), 2.0), weights, offset)


def text_of(features=FEATURES):
    part = {name: [1.0] * COUNT for name in ("lowest", "highest", "weights")}
    return json.dumps({basis: {"features": list(features), "offset": -2.0, **part} for basis in Basis})


def test_the_probability_is_the_logistic_function_of_the_weighted_features():
    classifier = classifier_of(1.0, -2.0, offset=0.5)
    probability = classifier.probability(np.array([[1.0, 0.0], [0.0, 1.0], [-0.5, 0.0]]))
    assert probability == pytest.approx([1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(1.5)), 0.5])


def test_beyond_the_range_of_the_fit_nothing_is_extrapolated():
    classifier = classifier_of(1.0)
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
    assert classifier.weights.shape == classifier.lowest.shape == classifier.highest.shape == (COUNT,)
    assert (classifier.lowest <= classifier.highest).all()
    seen = "highest_deviation" if basis is Basis.INFRARED else "mean_log_odds"
    assert classifier.weights[FEATURES.index(seen)] > 0


def test_weights_for_other_features_are_refused():
    assert read_classifier(text_of(), Basis.BOTH).offset == -2.0
    with pytest.raises(ValueError, match="something_else"):
        read_classifier(text_of(("something_else", *FEATURES[1:])), Basis.BOTH)
