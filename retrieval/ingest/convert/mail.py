"""Mail, by the standard library: subject, sender, day and body; what is attached comes as files."""

import email
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from email.policy import default
from itertools import islice

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted, html, markup

HEADERS = ("from", "to", "cc", "date")
ATTACHED = 100


def convert(data: bytes, _: str) -> Converted:
    """Write a mail as Markdown, its subject as heading.

    Raises:
        InputError: it has neither headers nor a body.
    """
    mail = email.message_from_bytes(data, policy=default)
    if not mail.keys():
        raise InputError("not a mail: it has no headers")
    about = {name: _header(mail, name) for name in HEADERS}
    subject = _header(mail, "subject")
    lines = "\n".join(f"{name.title()}: {value}" for name, value in about.items() if value)
    text = markup.joined([markup.heading(1, subject), lines, _body(mail)])
    return Converted(text, subject, about, tuple(islice(_attached(mail), ATTACHED)))


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(mail.get(name, "")).split())[:1_000]
    except (ValueError, IndexError, AttributeError, LookupError):  # a malformed header
        return ""


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    text = _content(part)
    if part.get_content_type() == "text/html":
        return html.page(text).text if text.strip() else ""
    return markup.prose(text.replace("\r\n", "\n"))


def _content(part: MIMEPart) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown encoding
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _attached(mail: EmailMessage) -> Iterator[tuple[str, bytes]]:
    for part in mail.iter_attachments():
        data = part.get_payload(decode=True)
        name = part.get_filename()
        if name and isinstance(data, bytes) and data:
            yield name.replace("\\", "/").rsplit("/", 1)[-1], data
