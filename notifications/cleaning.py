"""Cleaning: what the HTML of a template may hold, and what a template must be to be saved."""

from __future__ import annotations

import re
from html import unescape

import nh3

from notifications.models.kinds import Channel
from notifications.tokens import check, names_in

_ADDRESSES = frozenset({"href", "src", "cite"})
_ADDRESS_WITH_LINK = re.compile(
    r"\s*(?:\{\{\s*(?:link|joinUrl)\s*\}\}|(?:https?://[^{}\s/]+/|mailto:|tel:)).*", re.DOTALL
)


def _filter_attribute(_tag: str, attribute: str, value: str) -> str | None:
    """Let only our own link into addresses, and no token into what is not meant for readers."""
    names = set(names_in(value))
    if "{{" not in value:
        return value
    if attribute in _ADDRESSES:
        fits = names <= {"link", "joinUrl"} and _ADDRESS_WITH_LINK.fullmatch(value)
        return value if fits else None
    return value if attribute in {"title", "alt"} else None


_STYLES = {
    *("background-color", "border", "border-collapse", "border-color", "border-radius"),
    *("border-spacing", "border-style", "border-width", "color", "direction", "display"),
    *("border-top", "border-right", "border-bottom", "border-left", "vertical-align"),
    *("font", "font-family", "font-size", "font-style", "font-weight", "height", "width"),
    *("letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom"),
    *("margin-left", "margin-right", "margin-top", "max-width", "min-width", "opacity"),
    *("padding", "padding-bottom", "padding-left", "padding-right", "padding-top"),
    *("text-align", "text-decoration", "text-transform", "white-space", "word-break"),
}
_ON_ALL = {"style", "title", "lang", "dir", "align", "role"}
_CLEANER = nh3.Cleaner(
    tags={
        *("a", "abbr", "address", "article", "b", "blockquote", "br", "caption", "center", "code"),
        *("col", "colgroup", "dd", "div", "dl", "dt", "em", "figure", "figcaption", "footer"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "li", "ol", "p", "pre"),
        *("s", "section", "small", "span", "strong", "sub", "sup", "table", "tbody", "td"),
        *("tfoot", "th", "thead", "tr", "u", "ul"),
    },
    # Their content is no text for readers: it goes with them.
    clean_content_tags={"script", "style", "title", "noscript", "template", "iframe", "object"},
    attributes={
        "*": _ON_ALL,
        "a": {"href"},
        "img": {"src", "alt", "width", "height"},
        "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor"},
        "td": {"width", "height", "colspan", "rowspan", "valign", "bgcolor"},
        "th": {"width", "height", "colspan", "rowspan", "valign", "bgcolor", "scope"},
    },
    attribute_filter=_filter_attribute,
    url_schemes={"http", "https", "mailto", "tel"},
    filter_style_properties=_STYLES,
)


def has_too_many_tags(html: str) -> bool:
    """Tell whether to clean the HTML would take long: what is nested takes quadratic time."""
    return html.count("<") > _TAGS_MOST


def clean_html(html: str) -> str:
    """Give the HTML without anything that can run, load styles or leave its place."""
    return _CLEANER.clean(html)


def text_of(html: str) -> str:
    """Give what readers would see of clean HTML, without its form."""
    lines = _LINE_END.sub("\n", html).splitlines()
    text = "\n".join(" ".join(unescape(_TAG.sub("", line)).split()) for line in lines)
    return _BLANK_LINES.sub("\n\n", text).strip()


# nh3 writes every < of a text as an entity and quotes all values.
_TAG = re.compile(r"<[^<>]*>")
_LINE_END = re.compile(r"</(?:p|div|h[1-6]|li|tr|table|blockquote)>|<br>|<hr>")
_TAGS_MOST = 10_000
_BLANK_LINES = re.compile(r"\n{3,}")


def validate_template(
    subject: str, text: str, html: str, *, channel: Channel = Channel.EMAIL
) -> dict[str, list[str]]:
    """Give what is wrong with a template, by field; nothing when it may be saved."""
    errors = {"subject": check(subject), "text": check(text), "html": check(html)}
    if channel is Channel.EMAIL and not subject.strip():
        errors["subject"].append("An e-mail needs a subject.")
    if not text.strip():
        errors["text"].append("A message needs a text.")
    if has_too_many_tags(html):
        return {"html": [f"The HTML has more than {_TAGS_MOST} tags."]}
    if not subject.isprintable():
        errors["subject"].append("A subject is one line without control characters.")
    kept = set(names_in(clean_html(html)))
    errors["html"] += [
        f"The token {{{{{name}}}}} stands where nothing can be put in: only {{{{link}}}} may stand"
        " in an address, and no token in styles, scripts and comments."
        for name in dict.fromkeys(names_in(html))
        if name not in kept
    ]
    return {name: found for name, found in errors.items() if found}
