"""Sends a message to a web address: one POST of JSON, without following redirects."""

from __future__ import annotations

import base64
import http.client
from importlib.metadata import version
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from filmscand.daemon.notification.message import DeliveryError, Message

# Seconds without a byte from the server, after which it counts as silent.
_SILENT_S = 10.0


class _NoRedirect(HTTPRedirectHandler):
    """Lets a redirect be an error: urllib would turn the POST into a GET, and the message would be lost."""

    def redirect_request(self, *_: object) -> None:
        """Return no request: the answer 3xx is raised as an HTTPError."""


def post(address: str, message: Message) -> None:
    """Send a message to a web address.

    Parameters
    ----------
    address : str
        Address of HTTP or HTTPS. A user and a password in it are sent as basic authentication.
    message : Message
        The message.

    Raises
    ------
    DeliveryError
        The server cannot be reached, is silent, or answers with anything but 2xx.
    """
    parts = urlsplit(address)
    request = Request(_without_user(parts), message.as_json(), _headers(parts), method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=_SILENT_S):
            return
    except HTTPError as error:
        with error:
            raise DeliveryError(_refusal(error)) from None
    except URLError as error:
        raise DeliveryError(f"{parts.hostname} cannot be reached: {_reason(error.reason)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(f"{parts.hostname} did not answer: {_reason(error)}") from None


def _without_user(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def _headers(parts: SplitResult) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"filmscand/{version('filmscand')}"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode('ascii')}"
    return headers


def _refusal(error: HTTPError) -> str:
    answer = f"the server answered {error.code} {http.client.responses.get(error.code, '')}".rstrip()
    if 300 <= error.code < 400:
        place = urlsplit(error.headers.get("Location", "")).hostname
        return f"{answer}, a redirect{f' to {place}' if place else ''}: enter the address that it leads to"
    return answer


def _reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return f"no answer for {_SILENT_S:g} s"
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    # The texts of http.client may quote the address.
    return type(reason).__name__ if isinstance(reason, Exception) else "no connection"
