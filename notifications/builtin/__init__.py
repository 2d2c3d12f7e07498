"""The texts that are there from the start: one TOML file for each language, one layout for all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from notifications.builtin.layout import Words, html_of, text_of
from notifications.messages import Template
from notifications.models.kinds import Channel, NotificationType, RecipientType, Wording

DEFAULT_LANGUAGE = "en"
LANGUAGES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))

# Where a type has no wording for a recipient of its own, the other one's is used.
_AUDIENCES = {
    RecipientType.CUSTOMER: ("customer", "agent"),
    RecipientType.AGENT: ("agent", "customer"),
    RecipientType.SYSTEM: (),
}


def language_of(locale: str) -> str:
    """Give the language of the built-in texts that fits a locale best."""
    language = locale.partition("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT_LANGUAGE


@cache
def find(
    language: str, type: str, channel: Channel, recipient_type: RecipientType
) -> Template | None:
    """Give the built-in template of a type or a wording; None for what is not told to persons."""
    texts = _texts(language)
    for audience in _AUDIENCES[recipient_type]:
        if part := texts.parts[audience].get(type):
            match channel:
                case Channel.EMAIL:
                    return _mail(
                        language, texts.words, part, audience, has_message=type in _AT_ONCE
                    )
                case Channel.SMS:
                    return _short_message(language, part)
                case Channel.WEBHOOKS:
                    return None
    return None


# What is told of a change, and not when its time comes: whoever made it may have written a word.
_AT_ONCE = frozenset(
    {
        NotificationType.CREATE,
        NotificationType.RESCHEDULE,
        NotificationType.REASSIGN,
        NotificationType.CANCELLED,
        *Wording,
    }
)


def _mail(
    language: str, words: Words, part: Words, audience: str, *, has_message: bool
) -> Template:
    with_whom = {
        "customer": (words["agent"], "{{agentName}}"),
        "agent": (words["customer"], "{{customerName}}"),
    }
    details = [
        (words["when"], words["moment"]),
        (words["duration"], "{{duration}}"),
        with_whom[audience],
        (words["title"], "{{title}}"),
        *([(words["message"], "{{message}}")] if has_message else []),
    ]
    return Template(
        locale=language,
        subject=part["subject"].strip(),
        text=text_of(words, part, details),
        html=html_of(words, part, details),
        is_builtin=True,
    )


def _short_message(language: str, part: Words) -> Template:
    return Template(locale=language, subject="", text=part["sms"], html="", is_builtin=True)


@cache
def calendar_template(language: str, recipient_type: RecipientType) -> Template:
    """Give the summary (as the subject) and the description (as the text) of calendar entries."""
    words = _texts(language).calendar
    is_agent = recipient_type is RecipientType.AGENT
    return Template(
        locale=language,
        subject=words["summary_for_agents" if is_agent else "summary"].strip(),
        text=f"? {words['join']}",
        html="",
        is_builtin=True,
    )


@dataclass(frozen=True, slots=True)
class _Texts:
    words: Words
    calendar: Words
    # By audience and type.
    parts: Mapping[str, Mapping[str, Words]]


@cache
def _texts(language: str) -> _Texts:
    path = Path(__file__).parent / f"{language}.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return _Texts(content.pop("words"), content.pop("calendar"), content)
