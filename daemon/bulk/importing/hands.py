"""Threads that look into files, hash and copy them at the same time: none of this holds Python's lock for long.

A thread has its own tools, such as a connection to the database, which no other thread may use.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Tools = TypeVar("Tools")
Answer = TypeVar("Answer")
_Task = tuple["Future[Any]", Callable[[Any], Any]]


class Hands(Generic[Tools]):
    """A fixed number of threads that do tasks in the order in which they were given (a context manager).

    At the end the tasks under way are finished; those that have not begun are dropped.

    Parameters
    ----------
    count : int
        Number of threads, from 1.
    tools : callable
        Returns a context manager that makes the tools of one thread; it is entered and left in that thread.
    """

    def __init__(self, count: int, tools: Callable[[], AbstractContextManager[Tools]]) -> None:
        self._tools = tools
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve, name=f"import {index}") for index in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def give(self, task: Callable[[Tools], Answer]) -> Future[Answer]:
        """Let a thread do a task with its tools; the future raises what the task, or making the tools, raised."""
        future: Future[Answer] = Future()
        self._tasks.put((future, task))
        return future

    def _serve(self) -> None:
        try:
            with self._tools() as tools:
                for future, task in self._given():
                    _do(future, task, tools)
        except Exception as error:
            # The tools could not be made: whoever waits for a task has to hear of it.
            for future, _ in self._given():
                future.set_exception(error)

    def _given(self) -> Iterator[_Task]:
        while not self._over.is_set() and (given := self._tasks.get()) is not None:
            yield given


def _do(future: Future[Any], task: Callable[[Any], Any], tools: object) -> None:
    try:
        future.set_result(task(tools))
    # Whoever waits for the task decides what its error means.
    except BaseException as error:
        future.set_exception(error)
