"""The colours of pipelines can be read on both pages and told apart by everybody."""

from itertools import combinations

import numpy as np
import pytest

from goldsets.reporting.tints import BASELINE, LEADERS, REST, leading, of_sweep, tints
from retrieval.types import Float64

PAGES = ("#ffffff", "#16181d", "#1b1917")  # light, dark, a report in the dark
EYES = {
    "all cones": np.eye(3),
    "no long ones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no middle ones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no short ones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""What is left of linear red, green and blue, by Machado, Oliveira and Fernandes (2009)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Float64:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """The ratio of WCAG 2."""
    low, high = sorted(float(linear(c) @ TO_XYZ[1]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, eye: str) -> Float64:
    """CIE 1976 L*a*b* of what an eye sees."""
    seen = np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1)
    x, y, z = np.cbrt(TO_XYZ @ seen / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("colour", [BASELINE, *LEADERS, REST])
def test_a_colour_stands_out_from_the_page(colour: str, page: str) -> None:
    assert contrast(colour, page) >= 3


@pytest.mark.parametrize("eye", EYES)
def test_colours_differ_to_every_eye(eye: str) -> None:
    for a, b in combinations((BASELINE, *LEADERS, REST), 2):
        assert np.linalg.norm(lab(a, eye) - lab(b, eye)) > 12, (a, b)


def test_the_best_come_first_whatever_is_looked_at() -> None:
    rows = [
        {"name": name, "run": name, "measures": {"R@5": {"mean": mean}, "R@20": {"mean": 0.5}}}
        for name, mean in (("x", 0.2), ("base", 0.9), ("none", None), ("y", 0.7), ("z", 0.2))
    ]
    found = of_sweep({"measures": ["R@5", "R@20"], "baseline": "base", "variants": rows})
    assert list(found) == ["base", "y", "x", "z", "none"]
    assert list(found.values()) == [BASELINE, *LEADERS[:4]]


def test_of_many_the_rest_is_grey() -> None:
    many = tints({f"v{i}": 1 - i / 20 for i in range(12)}, "v3")
    assert many["v6"] == many["v0"] == LEADERS[0]
    assert list(leading(many).values()) == [BASELINE, *LEADERS, *[REST] * 6]
    assert BASELINE not in tints({"v": 0.5}, "failed").values()
