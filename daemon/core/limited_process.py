"""Runs tasks in one child process with a memory limit and a time limit: whatever happens to it, the caller goes on.

Codecs are large C libraries. A hostile file may make one take all memory, loop for ever or crash; none of this may end
the process that asked.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from filmscand.daemon.core.errors import DaemonError

Question = TypeVar("Question")
Answer = TypeVar("Answer")

# RLIMIT_DATA counts memory that is reserved and never touched too: stacks of threads, buffers of OpenBLAS, arenas of
# malloc. For a frame of 24 megapixels this was 230 MiB above the memory in use.
RESERVED_BYTES = 384 << 20
_EXIT_OUT_OF_MEMORY = 75
_PR_SET_PDEATHSIG = 1
# If there is no room for the stack of a new thread, Python raises a RuntimeError with this text.
_NO_THREAD = "can't start new thread"


class TaskLostError(DaemonError):
    """The process that did the task died or was killed.

    Attributes
    ----------
    out_of_memory : bool
        It needed more memory than it may use.
    """

    def __init__(self, message: str, *, out_of_memory: bool = False) -> None:
        super().__init__(message)
        self.out_of_memory = out_of_memory


class LimitedProcess(Generic[Question, Answer]):
    """A child process that does one task after another; it is started when it is first needed, and again if it dies.

    Parameters
    ----------
    task : callable
        A function of a module: it takes one question and returns the answer. Both travel by pickle.
    memory_limit_bytes : int
        Memory that the child may use.
    timeout_s : float
        Time for one task, seconds; the child is killed after it.
    prepare : callable, optional
        Called once in the child before its memory is limited, to load libraries.
    """

    def __init__(
        self,
        task: Callable[[Question], Answer],
        memory_limit_bytes: int,
        timeout_s: float,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self._task = task
        self._memory_limit_bytes = memory_limit_bytes
        self._timeout_s = timeout_s
        self._prepare = prepare
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def ask(self, question: Question) -> Answer:
        """Do the task in the child and return its answer.

        Raises
        ------
        TaskLostError
            The child died, or was killed because the task took too long.
        Exception
            Whatever the task raised.
        """
        pipe = self.start()
        try:
            pipe.send(question)
            if not pipe.poll(self._timeout_s):
                self.close()
                raise TaskLostError(f"it took longer than {self._timeout_s:g} s")
            done, answer = pipe.recv()
        except (EOFError, ConnectionError) as error:
            raise self._lost() from error
        if not done:
            raise answer
        return answer  # type: ignore[no-any-return]

    def start(self) -> Connection:
        """Start the child if there is none; otherwise the first question does so."""
        if self._pipe is not None and self._process is not None and self._process.poll() is None:
            return self._pipe
        self.close()
        ours, theirs = socket.socketpair()
        # A new interpreter: fork would copy locks that other threads of this process hold.
        with theirs:
            command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),))
        self._pipe = Connection(ours.detach())
        try:
            self._pipe.send(sys.path)
            self._pipe.send((self._task, self._memory_limit_bytes, self._prepare))
        except ConnectionError as error:
            raise self._lost() from error
        return self._pipe

    @property
    def is_running(self) -> bool:
        """Whether there is a child."""
        return self._process is not None and self._process.poll() is None

    def interrupt(self) -> None:
        """End the task under way, which raises TaskLostError where it was asked; callable from any thread."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def __del__(self) -> None:
        self.close()

    def _lost(self) -> TaskLostError:
        assert self._process is not None
        status = self._process.wait()
        self.close()
        if status == _EXIT_OUT_OF_MEMORY:
            limit = f"{self._memory_limit_bytes >> 20} MiB (workers.memory_limit_mib)"
            return TaskLostError(f"needs more memory than the limit of {limit}", out_of_memory=True)
        if status < 0:
            return TaskLostError(f"the process that read it was ended by {signal.Signals(-status).name}")
        return TaskLostError(f"the process that read it ended with status {status}")


def _serve(handle: int) -> None:
    # Ctrl-C at a terminal and the stop of a unit reach every process; only the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    questions = Connection(handle)
    sys.path[:] = questions.recv()
    task, memory_limit_bytes, prepare = questions.recv()
    if prepare is not None:
        prepare()
    limit_bytes = memory_limit_bytes + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    while True:
        try:
            question = questions.recv()
        except EOFError:
            return
        answer = _answer(task, question)
        try:
            questions.send(answer)
        except BrokenPipeError:
            return


def _answer(task: Callable[[Question], object], question: Question) -> tuple[bool, object]:
    try:
        return True, task(question)
    # The parent decides what an error means; it gets every one.
    except Exception as error:
        if is_out_of_memory(error):
            # Skip Python's own cleanup, which needs memory too.
            os._exit(_EXIT_OUT_OF_MEMORY)
        return False, error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the process has no memory left."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or str(error) == _NO_THREAD


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
