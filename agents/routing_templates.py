"""The ways in which work can be given out: they are built in, one for each medium and version."""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors_desk import NothingThere
from agents.models import Medium


@dataclass(frozen=True, kw_only=True)
class RoutingTemplate:
    """How what comes in by one medium finds an agent."""

    id: str
    name: str
    channel: Medium
    version: str
    description: str

    @property
    def path(self) -> str:
        """Give where it is read."""
        return f"/api/v2/system/routing-templates/{self.id}"

    def as_json(self) -> dict[str, str]:
        """Give it as desktops read it."""
        return {
            "id": self.id,
            "name": self.name,
            "channel": self.channel.value,
            "version": self.version,
            "description": self.description,
            "uri": self.path,
        }


def _template(channel: Medium, name: str, description: str) -> RoutingTemplate:
    return RoutingTemplate(
        id=f"{channel.value}-queue-1",
        name=name,
        channel=channel,
        version="1.0",
        description=description,
    )


TEMPLATES = (
    _template(Medium.VOICE, "Calls by queue", "A call rings at one ready agent of its queue."),
    _template(Medium.EMAIL, "E-mails by queue", "An e-mail is offered to a ready agent."),
    _template(Medium.CHAT, "Chats by queue", "A chat is offered to a ready agent."),
)


def templates_for(*, channel: str | None, version: str | None) -> list[RoutingTemplate]:
    """Give the templates of a channel and a version; None asks for any."""
    return [
        one
        for one in TEMPLATES
        if channel in (None, one.channel.value) and version in (None, one.version)
    ]


def template_of(template_id: str) -> RoutingTemplate:
    """Give one template. Raises NothingThere."""
    for one in TEMPLATES:
        if one.id == template_id:
            return one
    raise NothingThere(what="routing template")
