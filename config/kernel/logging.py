"""Log lines: one per record, without what must never be read in a log."""

from __future__ import annotations

import logging
import re
import time

from config.kernel.correlation import current_correlation_id

_GONE = "[redacted]"
_LENGTH = 32_000

# A pattern that begins with a repetition begins where a word does: none takes quadratic time.
_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL repeats whole rows and keys here.
    (re.compile(r"(DETAIL:\s+|CONTEXT:\s+)[^\n]*"), rf"\1{_GONE}"),
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*)[^\n]+"),
        rf"\1\2{_GONE}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {_GONE}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*"), _GONE),
    (re.compile(r"\bfd_[A-Za-z0-9]+_[\w-]+"), _GONE),
    (re.compile(r"(://)[^\s/@'\"]{1,256}@"), rf"\1{_GONE}@"),
    (re.compile(r"(/q/|/a/[a-z0-9/-]+/|/api/cal/feeds/)[^\s/?#'\"<>]+"), rf"\1{_GONE}"),
    (
        re.compile(
            r"(?i)(?<![\w-])(?=[\w-]*?(?:password|passwd|secret|token|api[_-]?key|private[_-]?key"
            r"|signature|ticket|otp))([\w-]++['\"]?\s{0,3}(?:=>|[:=])\s{0,3})"
            r"(?:b?'[^'\n]*'|b?\"[^\"\n]*\"|[^\s&,;)}\]]+)"
        ),
        rf"\1{_GONE}",
    ),
    (
        re.compile(
            r"(?<![\w.!#$%&*+/=?^`{|}~-])[\w.!#$%&*+/=?^`{|}~-]+@[\w-]{1,63}(?:\.[\w-]{1,63})+"
        ),
        _GONE,
    ),
    (re.compile(r"\+[0-9](?:[ ()./-]{0,2}[0-9]){7,14}"), _GONE),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def redact(text: str) -> str:
    """Give a text without tokens, keys, passwords, tickets, addresses and phone numbers."""
    for pattern, instead in _REDACTIONS:
        text = pattern.sub(instead, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Writes `time level logger [correlation id] message`, a traceback on the same line."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(correlation_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Give the line of a record, its line breaks escaped so that none can be forged."""
        record.correlation_id = current_correlation_id() or "-"
        text = _CONTROL.sub(_escape, redact(super().format(record)))
        if len(text) > _LENGTH:
            text = f"{text[: _LENGTH // 2]} … {text[-_LENGTH // 2 :]}"
        return text


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
