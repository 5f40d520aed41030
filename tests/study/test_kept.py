"""What is kept of answers: the questions asked last, from however many threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.study.kept import Kept, Same


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_that_the_questions_asked_last_are_kept() -> None:
    kept: Kept[int] = Kept(2)
    asked: list[int] = []

    def answer(question: int) -> int:
        def work() -> int:
            asked.append(question)
            return 10 * question

        return kept.of(question, work)

    assert [answer(one) for one in (1, 2, 1, 3, 1, 2)] == [10, 20, 10, 30, 10, 20]
    assert asked == [1, 2, 3, 2]


def test_that_an_array_is_the_same_question_only_as_itself() -> None:
    one, other = [1.0], [1.0]
    assert Same(one) == Same(one) and hash(Same(one)) == hash(Same(one))
    assert Same(one) != Same(other)


@pytest.mark.usefixtures("hurried_threads")
def test_that_threads_may_ask_at_once_and_each_has_its_own_answer() -> None:
    kept: Kept[str] = Kept(3)

    def ask(start: int) -> bool:
        return all(
            kept.of(question, lambda question=question: f"answer {question}") == f"answer {question}"
            for question in ((start + step) % 7 for step in range(3_000))
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
