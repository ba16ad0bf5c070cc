"""Asking a server that speaks OpenAI's wire format: with patience where it is busy, in a sentence where it refuses."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any, Final

from engine.faults import Failure, Fault
from engine.reader.llm.prompt import Unusable

#: Ways to ask for JSON, the strictest first; a server that does not know one is asked by the next.
_FORMATS: Final = ("json_schema", "json_object", "")
_UNKNOWN: Final = (400, 415, 422, 501)
_BUSY: Final = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_LONGEST: Final = 60.0  # seconds between two tries
_MOST: Final = 50_000_000  # bytes of an answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key goes to the server that the user named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


@dataclass
class Server:
    """One model behind one endpoint.

    Attributes
    ----------
    endpoint
        Up to, and without, /chat/completions.
    key_env
        Name of the environment variable that holds the key; it is read when a request is made, and never kept.
    rate
        Most requests a minute; None for any.
    timeout
        Seconds that an answer may take.
    tries
        How often one request is made at most.
    most_tokens
        Of one answer.
    stopped
        Set where nobody waits for answers any more.
    """

    endpoint: str
    model: str
    key_env: str
    rate: float | None
    timeout: float
    tries: int
    most_tokens: int
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)
    _format: int = 0
    _tokens: str = "max_tokens"
    _temperature: bool = True
    _reached: bool = False
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, instructions: str, message: str, schema: dict[str, Any]) -> str:
        """Ask once, and again where the server is busy; give the text of the answer.

        Raises
        ------
        Unusable
            The model refuses, or its answer is cut off.
        Failure
            The server cannot be reached, or stays busy.
        Fault
            It refuses the request: the key, the model, the endpoint.
        """
        tried, why = 0, ""
        while tried < self.tries and not self.stopped.is_set():
            pause = None
            body = self._body(instructions, message, schema)
            try:
                return _content(self._post(body))
            except urllib.error.HTTPError as error:
                self._reached = True
                told = self._said(error)
                if error.code in _UNKNOWN and self._adapted(body, told):
                    continue
                if error.code not in _BUSY:
                    raise self._refused(error.code, told) from None
                why, pause = f"answered {error.code}{_colon(told)}", _after(error.headers)
            except Fault:
                raise
            except ValueError:
                why = "answered something else than a chat"
            except (OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                why = f"could not be reached ({_short(reason)})"
                if isinstance(reason, (ConnectionRefusedError, socket.gaierror)) and not self._reached:
                    raise Failure(f"{self.endpoint} {why}; start the server, or correct the endpoint.") from None
            tried += 1
            if tried < self.tries:
                _sleep(self.stopped, min(_LONGEST, 2.0 ** (tried - 1) if pause is None else pause))
        raise Failure(
            f"{self.endpoint} {why} at the last of {self.tries} tries; what was answered is kept, so run it again to go on from there."
        )

    def _body(self, instructions: str, message: str, schema: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": message}],
            self._tokens: self.most_tokens,
            **_format(_FORMATS[self._format], schema),
        }
        return {**body, "temperature": 0} if self._temperature else body

    def _adapted(self, body: dict[str, Any], told: str) -> bool:
        """Leave out what a server says that it does not know; tell whether there was something."""
        if "max_completion_tokens" in told and "max_tokens" in body:
            self._tokens = "max_completion_tokens"
        elif "temperature" in told and "temperature" in body:
            self._temperature = False
        elif "response_format" in body:
            asked = body["response_format"]["type"]
            self._format = max(self._format, _FORMATS.index(asked) + 1)
        else:
            return False
        return True

    def _said(self, error: urllib.error.HTTPError) -> str:
        """Give what a server says of an error, without the key, should it repeat it."""
        told, key = _told(error), self._key()
        return told.replace(key, "***") if key else told

    def _key(self) -> str:
        key = os.environ.get(self.key_env, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise Fault(
                f"The key in {self.key_env} must be plain letters, digits and signs (it has others); correct it."
            )
        return key

    def _post(self, body: dict[str, Any]) -> Any:
        self._wait()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        url = f"{self.endpoint}/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with _OPENER.open(request, timeout=self.timeout) as response:
            self._reached = True
            return json.loads(response.read(_MOST))

    def _wait(self) -> None:
        """Keep to the rate, all threads together."""
        if not self.rate:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 60.0 / self.rate
        if start > now:
            _sleep(self.stopped, start - now)

    def _refused(self, code: int, told: str) -> Fault:
        if code in (401, 403):
            remedy = f"set the environment variable {self.key_env} to a key that it takes"
        elif code in (404, 405) or 300 <= code < 400:
            remedy = "correct the endpoint (it ends before /chat/completions) or the model"
        else:
            remedy = "correct the settings of the reader"
        return Fault(
            f"{self.endpoint} must take the request for {self.model} (it answered {code}{_colon(told)}); {remedy}."
        )


def _sleep(stopped: threading.Event, seconds: float) -> None:
    stopped.wait(seconds)


def _format(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name == "json_schema":
        return {"response_format": {"type": name, "json_schema": {"name": "labels", "strict": True, "schema": schema}}}
    return {"response_format": {"type": name}} if name else {}


def _content(document: Any) -> str:
    """Give the text of an answer.

    Raises
    ------
    ValueError
        The document is none of the wire format.
    """
    try:
        choice = document["choices"][0]
        message = choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("no answer of a chat") from None
    if refusal or choice.get("finish_reason") == "content_filter":
        raise Unusable("the model refuses to answer")
    if choice.get("finish_reason") == "length":
        raise Unusable("the answer is cut off")
    if isinstance(content, list):  # in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise Unusable("the answer is empty")
    return content


def _told(error: urllib.error.HTTPError) -> str:
    """Give what the body of an error says."""
    try:
        text = error.read(4000).decode("utf-8", "replace")
        document = json.loads(text)
        said = document.get("error", document) if isinstance(document, dict) else text
        text = str(said.get("message", said)) if isinstance(said, dict) else str(said)
    except (OSError, ValueError, HTTPException):
        return ""
    return text.strip()


def _colon(told: str) -> str:
    return f": {_short(told)}" if told else ""


def _short(told: object) -> str:
    text = " ".join(str(told).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def _after(headers: Message) -> float | None:
    """Give the seconds that a server asks to wait."""
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None
