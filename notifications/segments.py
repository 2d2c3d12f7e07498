"""How many parts an SMS is sent and charged in (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# One sign is one of 160; in a message of several parts each gives seven to its header.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These are written as two: an escape, and a sign of the second table.
_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """How a text is sent: its parts, its alphabet, and its length in units of that alphabet."""

    count: int
    encoding: str
    length: int


def segments_of(text: str) -> Segments:
    """Give the parts of a text: GSM-7 while its signs allow it, UCS-2 from the first other one."""
    if all(sign in _BASIC or sign in _EXTENSION for sign in text):
        widths = [2 if sign in _EXTENSION else 1 for sign in text]
        return _segments(widths, encoding="GSM-7", alone=160, joined=153)
    # What lies beyond the 16 bits of UCS-2 is sent as two of its units.
    widths = [2 if ord(sign) > 0xFFFF else 1 for sign in text]
    return _segments(widths, encoding="UCS-2", alone=70, joined=67)


def _segments(widths: Sequence[int], *, encoding: str, alone: int, joined: int) -> Segments:
    length = sum(widths)
    if length <= alone:
        return Segments(count=1 if length else 0, encoding=encoding, length=length)
    count, used = 1, 0
    for width in widths:
        # A sign of two units is not torn apart: the next part begins with it.
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return Segments(count=count, encoding=encoding, length=length)
