"""Where an interaction goes: what the request says, completed by the application's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.models import Application, ApplicationKind
from appointments.errors import RoutingIncomplete
from appointments.models import RoutingType

_DEFAULT_TYPE = {
    ApplicationKind.GENESYS: RoutingType.GENESYS_CLOUD_FLOW,
    ApplicationKind.TALKDESK: RoutingType.TALKDESK_DIGITAL_CONNECT,
}


@dataclass(frozen=True, kw_only=True)
class RoutingRules:
    """What differs between the versions of the API: the chat filled in, and what must be there."""

    genesys_chat_mode: str
    # Without it, a routing of this type leads nowhere.
    needed: Mapping[RoutingType, str]

    def chat_mode(self, kind: ApplicationKind) -> str:
        """Give how an application chats unless the routing says it."""
        match kind:
            case ApplicationKind.GENESYS:
                return self.genesys_chat_mode
            case ApplicationKind.TALKDESK:
                return "talkdesk-digital-connect"


# v2.appointments.schedule.r21, r22.
ROUTING = RoutingRules(
    genesys_chat_mode="genesys-web-messaging",
    needed={
        RoutingType.GENESYS_CLOUD_FLOW: "deploymentId",
        RoutingType.GENESYS_CLOUD_QUEUE: "queueName",
        RoutingType.TALKDESK_DIGITAL_CONNECT: "touchpointId",
    },
)
# v1.appointments.schedule.r17, r18: only the name of a queue is asked for.
OLDER_ROUTING = RoutingRules(
    genesys_chat_mode="genesys-cloud", needed={RoutingType.GENESYS_CLOUD_QUEUE: "queueName"}
)


@dataclass(frozen=True, kw_only=True)
class Routing:
    type: RoutingType | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def complete_routing(
    application: Application, given: Routing | None, *, rules: RoutingRules = ROUTING
) -> Routing:
    """Fill in what the request leaves to the application (schedule.r15, r18 to r22).

    Raises RoutingIncomplete.
    """
    kind = ApplicationKind(application.kind)
    wanted = given or Routing()
    type_ = wanted.type or _DEFAULT_TYPE[kind]
    properties = dict(wanted.properties)
    properties.setdefault("chatMode", rules.chat_mode(kind))
    match kind:
        case ApplicationKind.GENESYS:
            if application.deployment_id:
                properties.setdefault("deploymentId", application.deployment_id)
            # The server knows its environment; a caller cannot choose another one.
            properties["pcEnvironment"] = application.environment
        case ApplicationKind.TALKDESK:
            if application.touchpoint_id:
                properties.setdefault("touchpointId", application.touchpoint_id)
    needed = rules.needed.get(type_)
    if given is not None and needed and not properties.get(needed):
        raise RoutingIncomplete(
            property=needed,
            errors={f"interaction.routing.properties.{needed}": ["This field is required."]},
        )
    return Routing(type=type_, properties=properties)
