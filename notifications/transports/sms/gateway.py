"""SMS by any gateway with an HTTP API; `notifications.gateways` says how one is described.

Each attempt carries the notification's id as `Idempotency-Key`, so that a gateway that knows such
keys sends no message twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from config.kernel.http import Answer, Reach, Request
from notifications.errors import CannotBuild
from notifications.gateways import Gateway, word_at
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


@dataclass
class GatewaySession:
    """A gateway, for one batch. When it cannot be reached, the rest of the batch waits."""

    gateway: Gateway
    book: TemplateBook
    # A tenant's secrets do not go out in the clear; the operator's own network is its own affair.
    https_only: bool
    failure: TryLater | None = None

    def build(self, message: Message) -> Parcel:
        """Write the SMS.

        Raises CannotBuild.
        """
        return write(message, self.book, sender=self.gateway.sender)

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand an SMS over."""
        if self.failure is not None:
            return self.failure
        body = self.gateway.body_for(
            to=parcel.recipient,
            sender=parcel.sender,
            text=parcel.data.decode(),
            id=parcel.message_id,
        )
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            **self.gateway.headers,
            "Idempotency-Key": parcel.message_id,
        }
        answer = ask(
            self._request(self.gateway.method, self.gateway.url, headers, body), until=until
        )
        outcome = answer if isinstance(answer, TryLater) else self._outcome_of(answer)
        if isinstance(outcome, TryLater) and outcome.is_away:
            self.failure = outcome
        return outcome

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Ask how it went."""
        if self.failure is not None:
            return self.failure
        if not self.gateway.status_url:
            return Accepted(provider_status="", message_id=message.provider_message_id)
        url = self.gateway.status_address(message.provider_message_id)
        headers = {"Accept": "application/json", **self.gateway.headers}
        answer = ask(self._request("GET", url, headers), until=until)
        if isinstance(answer, TryLater):
            self.failure = of_a_question(answer)
            return self.failure
        if (refusal := refusal_of(answer)) is not None:
            return of_a_question(refusal)
        word = word_at(self.gateway.status_of_message, json_of(answer))
        return self._went(word, message.provider_message_id)

    def _request(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b""
    ) -> Request:
        return Request(
            method=method,
            url=url,
            deadline=0,
            headers=headers,
            body=body,
            https_only=self.https_only,
            reach=Reach.PUBLIC if self.https_only else Reach.LISTED,
        )

    def _outcome_of(self, answer: Answer) -> Outcome:
        refusal = refusal_of(answer)
        if refusal is not None:
            return refusal
        said = json_of(answer)
        message_id = as_message_id(word_at(self.gateway.message_id, said))
        outcome = self._went(word_at(self.gateway.status, said) or str(answer.status), message_id)
        if isinstance(outcome, Submitted) and not (self.gateway.status_url and message_id):
            # Nobody can be asked later: what was taken counts as delivered.
            return Accepted(provider_status=outcome.provider_status, message_id=message_id)
        return outcome

    def _went(self, word: str, message_id: str) -> Outcome:
        status = as_status(word)
        if word.casefold() in self.gateway.failed:
            return Refused(reason=f"The gateway says: {status}.", provider_status=status)
        if word.casefold() in self.gateway.delivered:
            return Accepted(provider_status=status, message_id=message_id)
        return Submitted(provider_status=status, message_id=message_id)


@contextmanager
def session(
    application_ids: Collection[UUID], options: Options | None = None
) -> Iterator[GatewaySession]:
    """Open the gateway for a batch, an application's own or the installation's.

    Raises CannotBuild.
    """
    if not options and settings.NOTIFICATIONS_TRANSPORTS.get("SMS") != __name__:
        raise CannotBuild("The application has no gateway.")
    try:
        gateway = Gateway.read(options or settings.NOTIFICATIONS_SMS)
    except ValueError as problem:
        raise CannotBuild(f"The gateway is not described rightly: {problem}.") from None
    book = templates_for(application_ids)
    yield GatewaySession(gateway=gateway, book=book, https_only=bool(options))


def rest() -> None:
    """Keep nothing open: each call has a connection of its own."""
