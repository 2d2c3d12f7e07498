"""Rendering: which template a message takes, and what it says with the values put in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from uuid import UUID

from notifications import builtin
from notifications.cleaning import clean_html, has_too_many_tags, text_of, validate_template
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered, Template
from notifications.models import Channel, MessageTemplate, NotificationType, RecipientType
from notifications.tokens import (
    Compiled,
    EscapedValues,
    Values,
    babel_locale,
    compile_text,
    fill_known,
    fold,
)

__all__ = [
    "Template",
    "TemplateBook",
    "clean_html",
    "masked",
    "render",
    "templates_for",
    "tried_out",
    "validate_template",
]

# The subject is kept in a column of 500; more than this no program shows.
_SUBJECT_LENGTH = 250
# A short template can ask for a long value many times.
_LENGTH_MOST = 500_000
# As config.kernel.secrets.mask_link writes it.
_MASK = "***"

# --- Which template --------------------------------------------------------------------------

# The template of an application has one wording, for customers; only these types are never
# told to one, so that theirs is meant for agents.
_TYPES_FOR_AGENTS = frozenset({NotificationType.REASSIGN})


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """The templates of some applications, and behind them the built-in ones."""

    # (application, type, channel) → locale → template
    own: Mapping[tuple[UUID, str, str], Mapping[str, Template]] = field(default_factory=dict)
    default_locales: Mapping[UUID, str] = field(default_factory=dict)

    def find(
        self,
        application_id: UUID,
        type: NotificationType,
        channel: Channel,
        locale: str,
        *,
        recipient_type: RecipientType = RecipientType.CUSTOMER,
        wording: str = "",
    ) -> Template:
        """Give the template that fits best: the locale, its language, the default, the built-in.

        Raises CannotBuild for what is not told to persons.
        """
        text = wording or type
        if recipient_type is not RecipientType.AGENT or type in _TYPES_FOR_AGENTS:
            candidates = self.own.get((application_id, text, channel), {})
            default = self.default_locales.get(application_id, "")
            if found := _in_locale(candidates, locale) or _in_locale(candidates, default):
                return found
        language = builtin.language_of(locale)
        if template := builtin.find(language, text, channel, recipient_type):
            return template
        raise CannotBuild(f"There is no text for {text} by {channel}.")

    def for_message(self, message: Message) -> Template:
        """Give the template that fits a message best.

        Raises CannotBuild.
        """
        return self.find(
            message.application_id,
            message.type,
            message.channel,
            message.snapshot.locale,
            recipient_type=message.recipient_type,
            wording=message.snapshot.wording,
        )


def _in_locale(candidates: Mapping[str, Template], locale: str) -> Template | None:
    """Give the template of the locale, of its language, or of the language elsewhere."""
    if not candidates:
        return None
    language = _language(locale)
    if found := candidates.get(locale) or candidates.get(language):
        return found
    alike = sorted(each for each in candidates if _language(each) == language)
    return candidates[alike[0]] if alike else None


def _language(locale: str) -> str:
    return locale.partition("-")[0].lower()


def templates_for(application_ids: Collection[UUID]) -> TemplateBook:
    """Fetch the templates of some applications, in one query."""
    own: dict[tuple[UUID, str, str], dict[str, Template]] = {}
    default_locales: dict[UUID, str] = {}
    rows = MessageTemplate.objects.filter(application_id__in=application_ids).values_list(
        "application_id",
        "application__default_locale",
        "type",
        "channel",
        "locale",
        "subject",
        "text",
        "html",
    )
    for application_id, default, type_, channel, locale, subject, text, html in rows:
        own.setdefault((application_id, type_, channel), {})[locale] = Template(
            locale=locale, subject=subject, text=text, html=html
        )
        default_locales[application_id] = default
    return TemplateBook(own, default_locales)


# --- What it says ----------------------------------------------------------------------------


def values_for(message: Message, template: Template) -> Values:
    """Give the values of a message for a template.

    Raises CannotBuild.
    """
    wanted = message.snapshot.locale
    # An English text for a French recipient: English dates in it, not French ones.
    fits = _language(wanted) == _language(template.locale)
    return Values(message, locale=wanted if fits else template.locale)


def render(message: Message, template: Template) -> Rendered:
    """Put the values of a message into a template.

    Raises CannotBuild.
    """
    return filled(template, values_for(message, template))


def filled(template: Template, values: Values) -> Rendered:
    """Put values into a template.

    Raises CannotBuild.
    """
    is_builtin = template.is_builtin
    subject = fold(_compiled(template.subject, is_builtin).fill(values)).strip()
    text = _compiled(template.text, is_builtin).fill(values).strip()
    while is_builtin and "\n\n\n" in text:  # Where optional lines have been left out.
        text = text.replace("\n\n\n", "\n\n")
    html = ""
    if values.message.channel is not Channel.SMS:
        text += "\n"
        source = template.html.strip() or _html_of(template.text)
        body = _compiled_html(source, is_builtin).fill(EscapedValues(values))
        html = _document(body, title=subject, locale=template.locale)
    if len(text) + len(html) > _LENGTH_MOST:
        raise CannotBuild("The message is too long.")
    if len(subject) > _SUBJECT_LENGTH:
        subject = subject[: _SUBJECT_LENGTH - 1] + "…"
    return Rendered(subject=subject, text=text, html=html)


def tried_out(template: Template, values: Values) -> Rendered:
    """Put values into texts that are tried out: what is not known stays to be seen.

    Without an HTML text there is none; without a text it is that of the HTML. Raises CannotBuild.
    """
    if has_too_many_tags(template.html):
        raise CannotBuild("The HTML has too many tags.")
    subject = fold(fill_known(template.subject, values)).strip()
    text, html = fill_known(template.text, values), ""
    if template.html.strip():
        body = fill_known(clean_html(template.html), EscapedValues(values))
        html = _document(body, title=subject, locale=template.locale)
        text = text if text.strip() else text_of(body)
    if len(text) + len(html) > _LENGTH_MOST:
        raise CannotBuild("The message is too long.")
    return Rendered(subject=subject[:_SUBJECT_LENGTH], text=f"{text.strip()}\n", html=html)


@lru_cache(maxsize=512)
def _compiled(source: str, has_optional_lines: bool) -> Compiled:
    return compile_text(source, has_optional_lines=has_optional_lines)


@lru_cache(maxsize=256)
def _compiled_html(source: str, is_builtin: bool) -> Compiled:
    # To clean the source is as good as to clean every mail: what is put in afterwards is escaped,
    # and cleaning leaves only two places for it, text and attributes in double quotes, of which
    # addresses take nothing but our own link.
    if is_builtin:
        return compile_text(source, has_optional_lines=True)
    return compile_text(clean_html(source))


@lru_cache(maxsize=256)
def _html_of(text: str) -> str:
    """Give the HTML of a template that has only a text."""
    paragraphs = re.split(r"\n\s*\n", escape(text.strip(), quote=False).replace("\r\n", "\n"))
    linked = (
        _LINK_TOKEN.sub(r'<a href="{{link}}">{{link}}</a>', paragraph).replace("\n", "<br>\n")
        for paragraph in paragraphs
    )
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in linked)


_LINK_TOKEN = re.compile(r"\{\{ ?(?:link|joinUrl) ?\}\}")


def _document(body: str, *, title: str, locale: str) -> str:
    direction = babel_locale(locale).text_direction
    # The two `color-scheme` lines let a mail program show our uncoloured text in its dark mode.
    return f"""\
<!DOCTYPE html>
<html lang="{escape(locale)}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{escape(title)}</title>
</head>
<body style="margin:0;padding:16px">
{body.strip()}
</body>
</html>
"""


def masked(rendered: Rendered, link: str | None) -> Rendered:
    """Give the same texts without what lets the bearer of the personal link in."""
    # The ticket alone, not the whole link: a template can have put it behind another address.
    ticket = link.rstrip("/").rpartition("/")[2] if link else ""
    if not ticket:
        return rendered
    in_html = escape(ticket)
    return Rendered(
        subject=rendered.subject.replace(ticket, _MASK),
        text=rendered.text.replace(ticket, _MASK),
        html=rendered.html.replace(in_html, _MASK),
    )
