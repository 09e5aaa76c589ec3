"""The server of a virtual scanner: libsane drives it through its ``net`` backend, like any remote scanner."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Iterable
from typing import Self

from filmscand.drivers.virtual.device import Delivered, Mechanics
from filmscand.drivers.virtual.faults import Fault, FaultBook
from filmscand.drivers.virtual.magazine import Magazine
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.sender import Delays
from filmscand.drivers.virtual.session import ClientSession
from filmscand.drivers.virtual.wire import PORT

log = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1"


class VirtualScanner:
    """Serves one virtual film scanner on a loopback address.

    libsane uses only port 6566, so several scanners on one machine need several loopback addresses.

    Parameters
    ----------
    model : str
        A name in `filmscand.drivers.virtual.models.MODELS`: coolscan2, coolscan3, pieusb, genesys, pixma.
    magazine : Magazine
        The slides.
    faults : iterable of Fault
        Faults to simulate.
    address : str or None
        Address to listen on; None uses the first free one from 127.0.0.2 on.
    time_scale : float
        Factor of a real scanner's times: 1 is as slow as a real scanner, 0 never waits.

    Raises
    ------
    ValueError
        If there is no such model.
    OSError
        If the address is in use (on `start`).
    """

    def __init__(
        self,
        model: str,
        magazine: Magazine,
        faults: Iterable[Fault] = (),
        *,
        address: str | None = DEFAULT_ADDRESS,
        time_scale: float = 0.0,
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"model: expected one of {', '.join(MODELS)}, found {model!r}")
        self._machine = Mechanics(MODELS[model], magazine, FaultBook(faults))
        self._delays = Delays(time_scale)
        self._address = address
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._sessions: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The address that the scanner listens on."""
        if self._listener is None:
            raise RuntimeError("the virtual scanner has not been started")
        return str(self._listener.getsockname()[0])

    @property
    def device(self) -> str:
        """The name by which SANE opens the scanner."""
        return f"net:{self.address}:{self._machine.model.device}"

    @property
    def delivered(self) -> tuple[Delivered, ...]:
        """Frames that were sent completely, oldest first."""
        return tuple(self._machine.delivered)

    @property
    def slide_in_gate(self) -> int:
        """Number of the slide in the gate, from 1; 0 if the gate is empty."""
        return self._machine.slide_in_gate

    def add_fault(self, fault: Fault) -> None:
        """Add a fault to simulate."""
        self._machine.faults.add(fault)

    def clear_faults(self) -> None:
        """Remove all faults, as a person does who frees the scanner."""
        self._machine.faults.clear()

    def start(self) -> Self:
        """Start to listen; return the scanner itself."""
        self._listener = _bind(self._address)
        self._acceptor = threading.Thread(target=self._accept, name="virtual-scanner", daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close every connection and stop listening; may be called repeatedly."""
        self._stopping.set()
        if self._listener is not None and self._acceptor is not None:
            _shut(self._listener)
            self._acceptor.join()
            self._listener.close()
        with self._lock:
            sessions = list(self._sessions.items())
        for connection, thread in sessions:
            _shut(connection)
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._stopping.is_set():
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            log.debug("client %s", client)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="virtual-scanner-session", daemon=True
            )
            with self._lock:
                self._sessions[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            ClientSession(connection, self._machine, self._delays, self._stopping).serve()
        finally:
            with self._lock:
                self._sessions.pop(connection, None)


def _bind(address: str | None) -> socket.socket:
    if address is not None:
        return socket.create_server((address, PORT))
    for host in range(2, 255):
        try:
            return socket.create_server((f"127.0.0.{host}", PORT))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"port {PORT} is in use on every address from 127.0.0.2 to 127.0.0.254")


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
