"""E-mail by a provider's API, through the backends of `django-anymail`.

What is handed over is the mail that SMTP would send, taken apart again. Accepted means that the
provider has it: what becomes of it comes as a report (notifications.tracking).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMail
from email.mime.base import MIMEBase
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
)
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from config.kernel.http import Answer, OutgoingError
from config.kernel.logging import redact
from notifications.errors import CannotBuild
from notifications.messages import Message
from notifications.mime import compose
from notifications.providers import PROVIDERS, Provider, arguments_of
from notifications.rendering import TemplateBook, templates_for
from notifications.reporting import mark_of
from notifications.transports import Accepted, Options, Outcome, Parcel, Refused, TryLater
from notifications.transports.email.door import SECONDS, through_the_door
from notifications.transports.sms.exchange import as_message_id, as_status, refusal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage

_REASON_LENGTH = 300
_UNREADABLE = "The provider's answer cannot be read; it may have arrived."
# What a provider writes itself, or sends as we hand it over.
_LEFT_OUT = frozenset({"from", "to", "subject", "date", "mime-version"})


@dataclass(frozen=True)
class Account:
    """Whose account it is: a provider, and its backend as it was opened."""

    provider: Provider
    backend: Any

    def send(self, mail: EmailMultiAlternatives, *, seconds: float) -> None:
        """Hand a mail over. Raises AnymailError."""
        self.backend.timeout = seconds
        self.backend.send_messages([mail])


@contextmanager
def account_of(name: str, options: Mapping[str, str]) -> Iterator[Account]:
    """Open a provider's backend behind our own door.

    Raises CannotBuild.
    """
    try:
        arguments: dict[str, Any] = {**arguments_of(name, options)}
        backend: Any = get_connection(f"anymail.backends.{name}.EmailBackend", **arguments)
    except (KeyError, AnymailConfigurationError):
        raise CannotBuild("The options for the mail provider are not complete.") from None
    backend.open()
    through_the_door(backend.session)
    try:
        yield Account(PROVIDERS[name], backend)
    finally:
        backend.close()


class AnymailSession:
    """A provider, for one batch. When it does not let us in, the rest of the batch waits."""

    def __init__(self, account: Account, book: TemplateBook) -> None:
        self._account = account
        self._book = book
        self._failure: TryLater | None = None
        # What a message is called in the provider's reports, by its Message-ID.
        self._marks: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def build(self, message: Message) -> Parcel:
        """Write the mail.

        Raises CannotBuild.
        """
        mail = compose(message, self._book, now=timezone.now())
        self._marks[mail.message_id] = mark_of(message.id, message.attempt)
        if message.round:
            # Sent again by hand: to be taken, though the first one was.
            self._keys[mail.message_id] = str(message.key)
        return Parcel(
            sender=mail.envelope_from,
            recipient=mail.envelope_to,
            data=mail.content,
            message_id=mail.message_id,
            rendered=mail.rendered,
        )

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand a mail over."""
        if self._failure is not None:
            return self._failure
        seconds = min(SECONDS, until - time.monotonic())
        if seconds <= 0:
            return TryLater(reason="There was no time left to send it.", is_away=True)
        mail = mail_of(parcel.data, self._account.provider)
        self._name(mail, parcel)
        try:
            self._account.send(mail, seconds=seconds)
        except AnymailError as error:
            outcome = outcome_of_error(error)
        except (LookupError, TypeError):
            # An answer of another form than anymail knows.
            outcome = TryLater(reason=_UNREADABLE)
        else:
            outcome = outcome_of(mail, message_id=parcel.message_id)
        if isinstance(outcome, TryLater) and outcome.is_away:
            self._failure = outcome
        return outcome

    def _name(self, mail: EmailMultiAlternatives, parcel: Parcel) -> None:
        """Say what its reports are to call it, and what is never to be taken twice."""
        provider, mark = self._account.provider, self._marks.pop(parcel.message_id, "")
        keys = self._account.backend.session.headers
        if provider.knows_keys:
            key = self._keys.pop(parcel.message_id, parcel.message_id.strip("<>"))
            keys["Idempotency-Key"] = key
        if mark and provider.keeps_metadata:
            mail.metadata = {"notification": mark}  # type: ignore[attr-defined]  # anymail's
        elif mark:
            mail.tags = [mark]  # type: ignore[attr-defined]  # anymail's

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Say that it was taken: more is reported, not asked for."""
        return Accepted(provider_status="", message_id=message.provider_message_id)


# --- The mail ---------------------------------------------------------------------------------


def mail_of(data: bytes, provider: Provider) -> EmailMultiAlternatives:
    """Give a mail as Django's backends take it, from the bytes that SMTP would send."""
    parsed: ParsedMail = message_from_bytes(data, policy=policy.default)
    parts = {part.get_content_type(): part for part in parsed.walk() if not part.is_multipart()}
    text, html = parts.get("text/plain"), parts.get("text/html")
    mail = EmailMultiAlternatives(
        subject=str(parsed["Subject"]),
        body=_words_of(text) if text else "",
        # Put together anew: a name that was encoded may hold commas.
        from_email=str(parsed["From"].addresses[0]),
        to=[str(parsed["To"].addresses[0])],
        headers=_headers_of(parsed, provider),
    )
    if html:
        mail.attach_alternative(_words_of(html), "text/html")
    if calendar := parts.get("text/calendar"):
        _invite(mail, calendar, provider)
    return mail


def _words_of(part: ParsedMail) -> str:
    # Line ends of the wire mean nothing in JSON.
    return str(part.get_content()).replace("\r\n", "\n")


def _headers_of(parsed: ParsedMail, provider: Provider) -> dict[str, str]:
    if not provider.takes_headers:
        return {}
    left_out = _LEFT_OUT if provider.takes_message_id else _LEFT_OUT | {"message-id"}
    return {
        name: str(value)
        for name, value in parsed.items()
        if name.lower() not in left_out and not name.lower().startswith("content-")
    }


def _invite(mail: EmailMultiAlternatives, calendar: ParsedMail, provider: Provider) -> None:
    """Put the calendar entry in: as a part where it can be one, as a file in any case."""
    method = str(calendar.get_param("method", "REQUEST"))
    content = calendar.get_content()
    if provider.sends_any_part:
        mail.attach_alternative(content, f"text/calendar; charset=utf-8; method={method}")
    file = MIMEBase("text", "calendar", charset="utf-8", method=method, name="invite.ics")
    file.set_payload(content.encode(), "utf-8")
    file.add_header("Content-Disposition", "attachment", filename="invite.ics")
    mail.attach(file)


# --- What the provider says -------------------------------------------------------------------


def outcome_of(mail: EmailMultiAlternatives, *, message_id: str) -> Outcome:
    """Say what a provider that took a mail means by it."""
    status = mail.anymail_status  # type: ignore[attr-defined]  # anymail's
    words = status.status or {"unknown"}
    word = as_status(str(next(iter(words))))
    if word == "failed":
        return TryLater(reason="The provider could not send it.", provider_status=word)
    named = status.message_id
    theirs = as_message_id(str(named)) if isinstance(named, str | int) else ""
    return Accepted(provider_status=word, message_id=theirs or message_id)


def outcome_of_error(error: AnymailError) -> Outcome:
    """Say what it means to us that a provider did not take a mail."""
    match error:
        case AnymailRecipientsRefused():
            return Refused(
                reason="The provider does not send to this address.",
                provider_status="rejected",
                is_address_dead=True,
            )
        case AnymailInvalidAddress():
            return Refused(reason="The provider takes no such address.", is_address_dead=True)
        case AnymailAPIError():
            return _without_success(error)
        case _:
            # What it cannot send, or what cannot be put into its form: the same the next time.
            return Refused(
                reason=redact(str(error.args[0] if error.args else error))[:_REASON_LENGTH]
            )


def _without_success(error: AnymailAPIError) -> Outcome:
    response = error.response
    if response is not None:
        answer = Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=b"",
        )
        # Nothing of the answer itself: it may repeat what we sent.
        return refusal_of(answer) or TryLater(
            reason=_UNREADABLE, provider_status=str(answer.status)
        )
    cause = error.__cause__.__cause__ if error.__cause__ else None
    if isinstance(cause, OutgoingError) and cause.is_unsent:
        return TryLater(reason=f"The provider cannot be reached: {cause.reason}", is_away=True)
    return TryLater(reason="The provider's answer was lost; it may have arrived.")


# --- The transport ----------------------------------------------------------------------------


@contextmanager
def session(
    application_ids: Collection[UUID], options: Options | None = None
) -> Iterator[AnymailSession]:
    """Open a provider for a batch, with an application's own account or the installation's.

    Raises CannotBuild.
    """
    with _account(options or settings.NOTIFICATIONS_EMAIL) as account:
        yield AnymailSession(account, templates_for(application_ids))


@contextmanager
def _account(given: Mapping[str, str]) -> Iterator[Account]:
    options = {name: value for name, value in given.items() if name != "provider"}
    with account_of(str(given.get("provider", "")), options) as account:
        yield account


def rest() -> None:
    """Keep nothing open: each call has a connection of its own."""


class InstallationBackend(BaseEmailBackend):
    """Mails that are no notifications, such as notes to owners, by the same provider."""

    def __init__(self, fail_silently: bool = False, **_kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Hand mails over and give how many.

        Raises OSError, as a mail server's connection would.
        """
        try:
            with _account(settings.NOTIFICATIONS_EMAIL) as account:
                account.backend.timeout = SECONDS
                return int(account.backend.send_messages(email_messages))
        except (AnymailError, CannotBuild) as error:
            raise OSError(f"The mail provider did not take it: {type(error).__name__}") from None
