"""The language of the booking pages: asked for, preferred by the browser, or the house's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel import Locale
from django.conf import settings
from django.utils.translation.trans_real import parse_accept_lang_header

from config.kernel.time import parse_locale

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agents.models import Application

_FALLBACK = "en"


def language_of(request: HttpRequest, application: Application | None) -> str:
    """Give the language of a page: one that we have, by address, browser or application."""
    known = dict(settings.LANGUAGES)
    wanted = [request.GET.get("language", ""), *(tag[:2] for tag in _preferred(request))]
    if application is not None:
        wanted.append(application.default_locale[:2])
    return next((one for one in wanted if one in known), _FALLBACK)


def locale_of(request: HttpRequest, application: Application, language: str) -> str:
    """Give the language of the page as the customer's browser, or else the house, writes it."""
    for tag in (*_preferred(request), application.default_locale):
        if tag[:2] == language and "-" in tag and (locale := _known(tag)):
            return locale
    return language


def babel_locale(locale: str) -> Locale:
    """Give what writes dates in a locale."""
    return Locale.parse(locale, sep="-")


def _preferred(request: HttpRequest) -> list[str]:
    header = request.headers.get("Accept-Language", "")
    return [tag for tag, _ in parse_accept_lang_header(header.lower())]


def _known(tag: str) -> str | None:
    try:
        return parse_locale(tag)
    except ValueError:
        return None
