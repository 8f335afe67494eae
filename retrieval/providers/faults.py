"""What a vendor's SDK raised, read as one of our errors and whether to try again.

The SDKs agree on little: the status is an attribute of one of three names, headers hang on the
error or on its response, and what happens below HTTP comes raw from httpx, httpx2 or requests. All
of it is read by shape, so that no SDK is imported here.
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from retrieval.errors import BadAnswer, ProviderError, RateLimited, Refused, Unavailable

SAID = 200
"""Characters of a vendor's own message that are shown."""


@dataclass(frozen=True)
class Fault:
    """A failed attempt; `wait_seconds` is what the vendor asks for, None where it says nothing."""

    problem: ProviderError
    again: bool = False
    wait_seconds: float | None = None


def read_fault(error: Exception, vendor: str, *secrets: str | None) -> Fault:
    """Read what an SDK raised; `secrets` are blanked in what the vendor says."""
    status = _status(error)
    said = _said(error, secrets)
    if status is None or status < 400:
        return _below_http(error, vendor)
    if status == 429:
        problem = RateLimited(vendor, f"wants fewer calls (429): {said}")
        return Fault(problem, True, _retry_after(error))
    if status in (408, 425) or status >= 500:
        return Fault(Unavailable(vendor, f"failed ({status}): {said}"), True, _retry_after(error))
    hint = "; check its key in the environment" if status in (401, 403) else ""
    return Fault(Refused(vendor, f"refused ({status}): {said}{hint}"))


def _below_http(error: Exception, vendor: str) -> Fault:
    kinds = [c.__name__ for c in type(error).__mro__]
    if isinstance(error, ValueError) or not (
        isinstance(error, OSError) or {"TransportError", "APIConnectionError", "Timeout"} & {*kinds}
    ):
        return Fault(BadAnswer(vendor, f"gave an answer that cannot be read ({kinds[0]})"))
    late = any("Timeout" in kind for kind in kinds)
    what = "did not answer in time" if late else "dropped the connection, or cannot be reached"
    problem = Unavailable(vendor, f"{what} ({kinds[0]})")
    problem.may_be_billed = True
    return Fault(problem, True)


def _status(error: Exception) -> int | None:
    for name in ("status_code", "http_status", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
    return None


def _said(error: Exception, secrets: tuple[str | None, ...]) -> str:
    given = (getattr(error, name, None) for name in ("user_message", "body", "message"))
    text = " ".join(str(next(filter(None, map(_innermost, given)), "no reason given")).split())
    text = re.sub(r"^(GET|POST) \S+: ", "", text)  # Google's older SDK names the address first
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = re.sub(r"\b(sk|pa|AIza)[-\w*]{8,}", "***", text)  # a key that is quoted in part
    return text if len(text) <= SAID else text[:SAID] + "..."


def _innermost(said: Any) -> Any:
    """Return the message inside an answer's JSON: they nest it under one of three names."""
    while isinstance(said, Mapping):
        said = next((said[k] for k in ("error", "message", "detail") if said.get(k)), None)
    return said


def _retry_after(error: Exception) -> float | None:
    """Return the seconds that the header asks to wait, given as a number or as a date."""
    headers = _headers(error)
    text = next((str(v) for k, v in headers.items() if str(k).lower() == "retry-after"), "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _headers(error: Any) -> Mapping[str, Any]:
    for holder in (error, getattr(error, "response", None)):
        headers = getattr(holder, "headers", None)
        if headers:
            return dict(headers)
    return {}
