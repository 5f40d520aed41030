"""Labels of ticks: inside, apart, evenly spread."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.ui.controls.tick_labels import GAP, placed_labels


def six_a_letter(text: str) -> float:
    return 6.0 * len(text)


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 280), min_size=0, max_size=14).map(sorted),
    st.integers(1, 9),
)
def test_that_labels_stay_inside_and_never_touch(places: list[float], letters: int) -> None:
    labels = placed_labels([(x, "m" * letters) for x in places], six_a_letter, 280)
    assert all(label.left >= 0 and label.left + label.width <= 280 for label in labels)
    assert all(b.left - a.left - a.width >= GAP for a, b in pairwise(labels))
    assert bool(labels) == bool(places)


def test_that_the_ends_are_labelled_first_and_the_rest_evenly() -> None:
    ticks = [(16.0 + 40.0 * place, str(place) * 4) for place in range(8)]
    assert [label.text[0] for label in placed_labels(ticks, six_a_letter, 300)] == list("01234567")
    tight = [label.text[0] for label in placed_labels([(x / 2, text) for x, text in ticks], six_a_letter, 150)]
    assert tight[0] == "0" and tight[-1] == "7" and 3 <= len(tight) < 8


def test_that_a_label_wider_than_the_room_is_left_out() -> None:
    assert placed_labels([(10.0, "much too long")], six_a_letter, 50) == ()
