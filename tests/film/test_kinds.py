"""Every kind of film that other parts rely on exists."""

from __future__ import annotations

from filmscand.film.kinds import KINDS

NEEDED_KINDS = [
    "clear_slide",
    "leaky_slide",
    "strong_leak",
    "curved_leak",
    "bright_slide",
    "dark_slide",
    "negative",
    "negative_dense",
    "mounted",
    "mounted_turned",
    "sprocket_holder",
    "weak_infrared",
    "two_pass_shift",
    "two_pass_drift",
    "scale_error",
    "infrared_blur",
    "uneven_lamp",
    "regional_leak",
    "faint_dust",
    "heavy_dirt",
    "long_hairs",
    "scratches",
    "stripped_scratches",
    "infrared_only_dust",
    "fingerprint",
    "clipped_infrared",
    "twelve_bit",
    "fourteen_bit_unshifted",
    "eight_bit",
    "gamma_encoded",
    "black_level",
    "kodachrome",
    "silver",
    "spotless",
    "unexposed",
    "fully_dark",
]


def test_every_kind_that_tests_and_benches_need_exists():
    assert set(NEEDED_KINDS) <= set(KINDS)
