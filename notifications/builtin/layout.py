"""The shape of the built-in mails: one text and one HTML for all types and languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Words = Mapping[str, str]

# Colours of text and page are left to the reader's program, so that its dark mode works; those
# of the button contrast with each other on either. Written as nh3 writes them: cleaning such a
# text changes nothing.
_PAGE = (
    "max-width:600px;margin:0 auto;font-family:Arial , Helvetica , sans-serif;font-size:16px;"
    "line-height:1.5"
)
_HEADING = "margin:0 0 16px;font-size:22px;line-height:1.3"
_PARAGRAPH = "margin:0 0 16px"
_DETAILS = "margin:0 0 24px;padding:0 0 0 16px;border-left:4px solid #1d4ed8"
_TERM = "margin:0;font-size:14px"
_DETAIL = "margin:0 0 8px;font-weight:bold"
_BUTTON = (
    "display:inline-block;padding:12px 24px;border-radius:6px;background-color:#1d4ed8;"
    "color:#ffffff;font-weight:bold;text-decoration:none"
)
_SMALL = "margin:0 0 24px;font-size:14px;word-break:break-word"


def text_of(words: Words, part: Words, details: Sequence[tuple[str, str]]) -> str:
    """Give the plain text of a mail, with its optional lines marked."""
    lines = [words["greeting"], "", part["opening"], ""]
    lines += [f"? {label}: {value}" for label, value in details]
    if action := part.get("action"):
        lines += ["", f"? {action}: {{{{link}}}} ({words['personal']})"]
    if closing := part.get("closing"):
        lines += ["", closing]
    lines += ["", "? {{organizationName}}", ""]
    return "\n".join(lines)


def html_of(words: Words, part: Words, details: Sequence[tuple[str, str]]) -> str:
    """Give the HTML of a mail, with its optional lines marked."""
    lines = [
        f'<div style="{_PAGE}">',
        f'<h1 style="{_HEADING}">{escape(part["heading"])}</h1>',
        _paragraph(words["greeting"]),
        _paragraph(part["opening"]),
        f'<dl style="{_DETAILS}">',
        *(_detail(label, value) for label, value in details),
        "</dl>",
    ]
    if action := part.get("action"):
        small = f"{{{{link}}}} ({escape(words['personal'])})"
        lines += [_button(action), f'? <p style="{_SMALL}">{small}</p>']
    if closing := part.get("closing"):
        lines.append(_paragraph(closing))
    lines += [f"? {_paragraph('{{organizationName}}')}", "</div>", ""]
    return "\n".join(lines)


def _paragraph(text: str) -> str:
    return f'<p style="{_PARAGRAPH}">{escape(text, quote=False)}</p>'


def _detail(label: str, value: str) -> str:
    return (
        f'? <dt style="{_TERM}">{escape(label)}</dt>'
        f'<dd style="{_DETAIL}">{escape(value, quote=False)}</dd>'
    )


def _button(label: str) -> str:
    return (
        f'? <p style="{_PARAGRAPH}"><a href="{{{{link}}}}" style="{_BUTTON}"'
        f' rel="noopener noreferrer">{escape(label)}</a></p>'
    )
