"""Results kept for the questions asked last, so that a moving slider pays only for what it changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Same(int):
    """An object that counts as equal to itself only: the part of a question that is arrays.

    Told by its place in memory, a number, which is compared two hundred times a frame; kept, so that nothing else may
    come to lie there.
    """

    one: object

    def __new__(cls, one: object) -> Same:
        """Stand for an object."""
        found = super().__new__(cls, id(one))
        found.one = one
        return found


class Kept(Generic[T]):
    """The answers to at most `size` questions, those asked last; several threads may ask, as for a win map."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._answers: dict[Hashable, T] = {}

    def of(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question: the one kept, or `answer()`."""
        found = self.get(question)
        if found is None:
            found = answer()
            self.put(question, found)
        return found

    def get(self, question: Hashable) -> T | None:
        """The answer kept, None where there is none; whoever asks several questions answers the new ones together."""
        with self._lock:
            found = self._answers.pop(question, None)
            if found is not None:
                self._answers[question] = found
            return found

    def put(self, question: Hashable, answer: T) -> None:
        """Keep an answer."""
        with self._lock:
            self._answers[question] = answer
            if len(self._answers) > self._size:
                del self._answers[next(iter(self._answers))]
