"""What an SMS says, to which number, and from whom."""

from __future__ import annotations

from notifications.errors import CannotBuild
from notifications.messages import Message
from notifications.rendering import TemplateBook, masked, render
from notifications.segments import segments_of
from notifications.transports import Parcel
from notifications.transports.sms.numbers import to_e164

# More than this phones put together badly, and each is charged.
SEGMENTS_MOST = 10


def write(message: Message, book: TemplateBook, *, sender: str) -> Parcel:
    """Write an SMS; it comes from the application's sender, else from the provider's own.

    Raises CannotBuild.
    """
    rendered = message.words or render(message, book.for_message(message))
    if not rendered.text:
        raise CannotBuild("The message has no text.")
    segments = segments_of(rendered.text)
    if segments.count > SEGMENTS_MOST:
        raise CannotBuild(
            f"The text needs {segments.count} SMS ({segments.encoding}); {SEGMENTS_MOST} at most"
            " are sent."
        )
    return Parcel(
        sender=message.sender or sender,
        recipient=to_e164(message.address, message.country),
        data=rendered.text.encode(),
        message_id=str(message.key),
        rendered=masked(rendered, message.link),
    )
