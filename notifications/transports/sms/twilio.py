"""SMS by Twilio: one call hands a message over, another asks how it went.

Twilio knows no idempotency keys: what was sent by an attempt of which nobody knows the end is
sent again, and the history says so.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings

from config.kernel.http import Answer, Request
from notifications.errors import CannotBuild
from notifications.gateways import word_at
from notifications.messages import Message
from notifications.rendering import TemplateBook, templates_for
from notifications.transports import (
    Accepted,
    Options,
    Outcome,
    Parcel,
    Refused,
    Submitted,
    TryLater,
)
from notifications.transports.sms.exchange import (
    as_message_id,
    as_status,
    ask,
    json_of,
    of_a_question,
    refusal_of,
)
from notifications.transports.sms.texts import write

_BASE = "https://api.twilio.com"
_ARRIVED = frozenset({"delivered", "read"})
_FAILED = frozenset({"undelivered", "failed", "canceled"})
# Twilio's error codes, so far as somebody can do something about them.
_REASONS = {
    "21211": "the number is not valid",
    "21265": "the number is not valid",
    "21408": "the account may not send to this country",
    "21603": "there is no sender",
    "21606": "the sender is not one of the account",
    "21608": "a trial account sends to verified numbers only",
    "21610": "the recipient has unsubscribed",
    "21612": "the number cannot be reached from this sender",
    "21614": "the number takes no SMS",
    "21617": "the text is too long",
    "21659": "the sender is not one of the account",
    "21703": "the messaging service has no sender",
    "30003": "the phone cannot be reached",
    "30004": "the recipient or the carrier blocks it",
    "30005": "the number is not in use",
    "30006": "the number takes no SMS",
    "30007": "the carrier took it for spam",
    "30008": "the carrier gave no reason",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose account it is, and what it sends from."""

    account: str
    key: str
    token: str = field(repr=False)
    sender: str
    base: str = _BASE

    @classmethod
    def read(cls, given: Mapping[str, object], *, base: str = _BASE) -> Account:
        """Read the options `account`, `token` (or `key` and `token`) and `from`.

        Raises CannotBuild.
        """
        account, token = str(given.get("account") or ""), str(given.get("token") or "")
        if not account or not token:
            raise CannotBuild("The options for Twilio name no account and no token.")
        return cls(
            account=account,
            key=str(given.get("key") or account),
            token=token,
            sender=str(given.get("from") or ""),
            base=base,
        )

    @property
    def url(self) -> str:
        """Where the account's messages are, without an ending."""
        return f"{self.base}/2010-04-01/Accounts/{quote(self.account, safe='')}/Messages"

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        basic = base64.b64encode(f"{self.key}:{self.token}".encode()).decode()
        return {"Authorization": f"Basic {basic}", "Accept": "application/json"}


class TwilioSession:
    """Twilio, for one batch. When it cannot be reached, the rest of the batch waits."""

    def __init__(self, account: Account, book: TemplateBook) -> None:
        self._account = account
        self._book = book
        self._failure: TryLater | None = None

    def build(self, message: Message) -> Parcel:
        """Write the SMS.

        Raises CannotBuild.
        """
        parcel = write(message, self._book, sender=self._account.sender)
        if not parcel.sender:
            raise CannotBuild("There is no number to send SMS from.")
        return parcel

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand an SMS over."""
        if self._failure is not None:
            return self._failure
        sender = "MessagingServiceSid" if parcel.sender.startswith("MG") else "From"
        body = {"To": parcel.recipient, sender: parcel.sender, "Body": parcel.data.decode()}
        request = Request(
            method="POST",
            url=f"{self._account.url}.json",
            deadline=0,
            headers={
                **self._account.headers,
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(body).encode(),
        )
        answer = ask(request, until=until)
        outcome = answer if isinstance(answer, TryLater) else outcome_of(answer)
        if isinstance(outcome, TryLater) and outcome.is_away:
            self._failure = outcome
        return outcome

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Ask how it went."""
        if self._failure is not None:
            return self._failure
        request = Request(
            method="GET",
            url=f"{self._account.url}/{quote(message.provider_message_id, safe='')}.json",
            deadline=0,
            headers=self._account.headers,
        )
        answer = ask(request, until=until)
        if isinstance(answer, TryLater):
            self._failure = of_a_question(answer)
            return self._failure
        outcome = outcome_of(answer)
        if refusal_of(answer) is None or not isinstance(outcome, TryLater | Refused):
            return outcome
        return of_a_question(outcome)


def outcome_of(answer: Answer) -> Outcome:
    """Say what Twilio's answer means: what became of a message, or why it did not take it."""
    said = json_of(answer)
    refusal = refusal_of(answer)
    if isinstance(refusal, Refused):
        code = word_at("code", said)
        return Refused(reason=_reason("Twilio refused it", code), provider_status=as_status(code))
    if refusal is not None:
        return refusal
    word, message_id = as_status(word_at("status", said)), as_message_id(word_at("sid", said))
    if not message_id:
        return TryLater(reason="The answer cannot be read; it may have arrived.")
    if word in _ARRIVED:
        return Accepted(provider_status=word, message_id=message_id)
    if word in _FAILED:
        reason = _reason("It could not be delivered", word_at("error_code", said))
        return Refused(reason=reason, provider_status=word)
    return Submitted(provider_status=word, message_id=message_id)


def _reason(said: str, code: str) -> str:
    """Name the error by its code: Twilio's own text repeats the number."""
    known = code.isdecimal() and code.isascii() and len(code) < 8
    number = f" (Twilio {code})" if known else ""
    why = f": {_REASONS[code]}" if code in _REASONS else ""
    return f"{said}{why}{number}."


@contextmanager
def session(
    application_ids: Collection[UUID], options: Options | None = None
) -> Iterator[TwilioSession]:
    """Open Twilio for a batch, with an application's own account or the installation's.

    Raises CannotBuild.
    """
    if options:
        # Whatever it names besides: an application's secrets go to Twilio and nowhere else.
        account = Account.read(options)
    elif settings.NOTIFICATIONS_TRANSPORTS.get("SMS") == __name__:
        given = settings.NOTIFICATIONS_SMS
        account = Account.read(given, base=str(given["base"]))
    else:
        raise CannotBuild("The application has no account with Twilio.")
    yield TwilioSession(account, templates_for(application_ids))


def rest() -> None:
    """Keep nothing open: each call has a connection of its own."""
