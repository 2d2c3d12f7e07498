"""An appointment and its people as messages need to know them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from appointments.models import BookingStatus, Participant, ParticipantType
from appointments.services.case import SUBJECT, Case
from appointments.services.page_tokens import page_url
from appointments.services.tickets import access_url
from appointments.webhook import payload_of
from config.kernel.time import format_instant
from notifications.models import Channel, RecipientType, Wording
from notifications.services import Recipient, Topic


def topic_of(case: Case, *, is_agreed_on: bool = True) -> Topic:
    """Give what messages about the appointment need to know of it.

    Unless `is_agreed_on`, they are about its time: asked for, offered or given up.
    """
    one = case.appointment
    duration = one.nominal_duration
    agent = next(iter(case.primary_agents or case.agents), None)
    customer = next(iter(case.customers), None)
    texts = {
        "title": one.title,
        "message": case.message,
        "applicationName": case.application.name,
        "organizationName": case.application.organization.name,
        "agentName": agent.user.public_name if agent and agent.user else "",
        "customerName": f"{customer.first_name} {customer.last_name}".strip() if customer else "",
    }
    wording = None if is_agreed_on else _WORDINGS.get(one.booking_status)
    # While no time is fixed, the one that was asked for, or given up.
    start, end = (one.start, one.end) if one.start else (one.asked_start, one.asked_end)
    return Topic(
        organization_id=one.organization_id,
        application_id=one.application_id,
        type=SUBJECT,
        id=one.id,
        start=start,
        end=end,
        zone=ZoneInfo(one.timezone),
        snapshot={
            "start": format_instant(start) if start else None,
            "end": format_instant(end) if end else None,
            "timezone": one.timezone,
            "locale": one.locale,
            "duration": str(duration) if duration else None,
            "sequence": one.sequence,
            "created": format_instant(one.created_at),
            **({"wording": wording} if wording else {}),
        },
        texts={name: text for name, text in texts.items() if text},
        payload=payload_of(case),
    )


# What is said while the time is still to be agreed on, and the page that it leads to.
_WORDINGS = {
    BookingStatus.INCOMING_REQUEST: Wording.REQUESTED,
    BookingStatus.OUTGOING_INVITE: Wording.INVITED,
    BookingStatus.ALTERNATIVE_DATE_REQUESTED: Wording.ALTERNATIVE,
}
_PAGES = {
    BookingStatus.INCOMING_REQUEST: "edit",
    BookingStatus.OUTGOING_INVITE: "invite",
    BookingStatus.ALTERNATIVE_DATE_REQUESTED: "invite",
}


def recipient_of(case: Case, participant: Participant) -> Recipient:
    """Give a participant as somebody who can be told something."""
    if participant.type == ParticipantType.CUSTOMER:
        addresses = {Channel.EMAIL: participant.email, Channel.SMS: participant.phone}
        return Recipient(
            type=RecipientType.CUSTOMER,
            id=participant.id,
            addresses={channel: address for channel, address in addresses.items() if address},
            first_name=participant.first_name,
            last_name=participant.last_name,
            link=_link(case, participant),
        )
    user = participant.user
    return Recipient(
        type=RecipientType.AGENT,
        id=participant.id,
        addresses={Channel.EMAIL: user.username} if user else {},
        locale=user.language if user else "",
        first_name=user.first_name if user else "",
        last_name=user.last_name if user else "",
    )


def _link(case: Case, customer: Participant) -> str | None:
    """Give where a customer gets on: the room, or the page on which a time is agreed on."""
    page = _PAGES.get(case.appointment.booking_status)
    return page_url(customer.id, page) if page else access_url(customer)
