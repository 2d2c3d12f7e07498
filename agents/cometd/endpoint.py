"""The endpoint: what each message asks for, done, and what is said to it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from django.db import Error as DatabaseAway

from agents.cometd import protocol
from agents.cometd.callers import Callers, Credentials
from agents.cometd.hub import Hub
from agents.cometd.options import Options
from agents.cometd.polling import Polling
from agents.cometd.protocol import Message
from agents.cometd.store import Code, Store, StoreAway
from agents.cometd.subscribing import Subscribing, listed
from agents.cometd.threads import Threads
from agents.services.desk_access import DeskCaller
from config.kernel import limits
from config.kernel.errors import DomainError

logger = logging.getLogger(__name__)

_AWAY_INTERVAL = 2_000
_MOST_CLIENTS_INTERVAL = 10_000
# 31 of 36 letters and digits are 160 random bits.
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_CLIENT_LENGTH = 31


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Where messages come from."""

    credentials: Credentials
    browser: str = ""
    # It comes to an end when nobody waits for the answer any more.
    gone: Callable[[], Awaitable[None]]


@dataclass(kw_only=True)
class Answer:
    """What is answered; nothing when nobody waits for it."""

    replies: list[Message | bytes] = field(default_factory=list)
    browser_to_set: str = ""
    cookie_to_set: str = ""


class Endpoint:
    """Takes messages; it belongs to one event loop."""

    def __init__(self, url: str, options: Options) -> None:
        self.options = options
        self._threads = Threads()
        self._callers = Callers(self._threads)
        self._store = Store(url, options)
        self._hub = Hub(self._store.redis, self._callers.forget_user)
        self._subscribing = Subscribing(options, self._store, self._threads)
        self._polling = Polling(options, self._store, self._hub, self._threads)

    def stop(self) -> None:
        """Answer everything that is held, and hold nothing more."""
        self._hub.stop()

    async def end(self) -> None:
        """Let go of everything."""
        self.stop()
        await self._hub.end()
        await self._store.end()
        await asyncio.to_thread(self._threads.end)

    async def answer(self, messages: Sequence[Message], sender: Sender) -> Answer:
        """Do what the messages of one body ask for."""
        self._hub.start()
        try:
            caller = await self._callers.prove(sender.credentials)
        except DomainError as refused:
            return Answer(replies=[self._unproven(one, refused) for one in messages])
        except DatabaseAway as error:
            logger.warning("Nobody can be proven: %s.", type(error).__name__)
            return Answer(replies=[self._away(one) for one in messages])
        return await self._answer(messages, caller, sender)

    async def _answer(
        self, messages: Sequence[Message], caller: DeskCaller, sender: Sender
    ) -> Answer:
        answer = Answer()
        first = next((one for one in messages if one["channel"] == protocol.HANDSHAKE), None)
        for message in messages:
            try:
                if message is first:
                    answer.replies.append(await self._handshake(message, caller, sender, answer))
                elif first is not None:
                    answer.replies.append(self._not_with_a_handshake(message))
                elif message["channel"] == protocol.CONNECT:
                    answer.replies += await self._polling.connect(
                        message,
                        caller,
                        browser=sender.browser,
                        gone=sender.gone,
                        is_alone=len(messages) == 1,
                    )
                else:
                    answer.replies.append(await self._do(message, caller))
            except (StoreAway, DatabaseAway) as error:
                logger.warning("A message is not carried out: %s.", type(error).__name__)
                answer.replies.append(self._away(message))
        return answer

    async def _do(self, message: Message, caller: DeskCaller) -> Message:
        client, user = message.get("clientId"), str(caller.user_id)
        if not isinstance(client, str) or len(client) > limits.ID_LENGTH:
            return protocol.unknown_client(message, self.options)
        match message["channel"]:
            case protocol.SUBSCRIBE:
                return await self._subscribing.subscribe(message, client, caller)
            case protocol.UNSUBSCRIBE:
                wanted = message.get("subscription")
                names = [one for one in listed(wanted) if isinstance(one, str)]
                code = await self._store.unsubscribe(client, user, names=names)
                done = protocol.reply(message, subscription=wanted)
            case protocol.DISCONNECT:
                code = await self._store.close(client, user)
                done = protocol.reply(message)
            case channel:
                code = await self._store.check(client, user)
                done = protocol.refusal(message, f"403:{channel}:Publish denied")
        return done if code is Code.ANSWER else protocol.unknown_client(message, self.options)

    # --- Handshake ------------------------------------------------------------------------------

    async def _handshake(
        self, message: Message, caller: DeskCaller, sender: Sender, answer: Answer
    ) -> Message:
        offered = message.get("supportedConnectionTypes")
        error = ""
        if not isinstance(message.get("version"), str) or not message["version"]:
            error = "400::Version missing"
        elif isinstance(offered, list) and not set(self.options.connection_types) & {
            one for one in offered if isinstance(one, str)
        }:
            error = "400::No connection type in common"
        if error:
            return protocol.refusal(message, error, advice=protocol.advice(self.options, "none"))
        acks = protocol.extension_of(message, "ack") is True
        client = "".join(secrets.choice(_LETTERS) for _ in range(_CLIENT_LENGTH))
        if await self._store.open(client, str(caller.user_id), acks=acks) is Code.REFUSED:
            advice = protocol.advice(self.options, "handshake", interval=_MOST_CLIENTS_INTERVAL)
            return protocol.refusal(message, "403::Too many clients", advice=advice)
        answer.cookie_to_set = caller.cookie_to_set or ""
        answer.browser_to_set = "" if sender.browser else secrets.token_hex(16)
        reply = protocol.reply(
            message,
            clientId=client,
            version=protocol.VERSION,
            minimumVersion=protocol.VERSION,
            supportedConnectionTypes=self.options.connection_types,
            advice=protocol.advice(self.options),
        )
        extensions = {
            name: True
            for name, is_on in (("ack", acks), ("replay", protocol.extension_of(message, "replay")))
            if is_on is True
        }
        return {**reply, "ext": extensions} if extensions else reply

    # --- What is refused ------------------------------------------------------------------------

    def _unproven(self, message: Message, refused: DomainError) -> Message:
        if message["channel"] != protocol.HANDSHAKE:
            return protocol.unknown_client(message, self.options)
        errors = {
            "too_many": "429::Too many attempts",
            "forbidden": "403::The password has to be changed",
        }
        return protocol.refusal(
            message,
            errors.get(refused.kind, "401::Unauthorized"),
            advice=protocol.advice(self.options, "none"),
        )

    def _not_with_a_handshake(self, message: Message) -> Message:
        advice = {"advice": protocol.advice(self.options)}
        return protocol.refusal(
            message,
            "400::Not carried out beside a handshake",
            **(advice if message["channel"] == protocol.CONNECT else {}),
        )

    def _away(self, message: Message) -> Message:
        advice = protocol.advice(self.options, "retry", interval=_AWAY_INTERVAL)
        return protocol.refusal(message, "503::Unavailable", advice=advice)
