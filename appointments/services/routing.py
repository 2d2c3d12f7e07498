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
_DEFAULT_CHAT_MODE = {
    ApplicationKind.GENESYS: "genesys-web-messaging",
    ApplicationKind.TALKDESK: "talkdesk-digital-connect",
}
# Without it, a routing of this type leads nowhere (schedule.r22).
_NEEDED = {
    RoutingType.GENESYS_CLOUD_FLOW: "deploymentId",
    RoutingType.GENESYS_CLOUD_QUEUE: "queueName",
    RoutingType.TALKDESK_DIGITAL_CONNECT: "touchpointId",
}


@dataclass(frozen=True, kw_only=True)
class Routing:
    type: RoutingType | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def complete_routing(application: Application, given: Routing | None) -> Routing:
    """Fill in what the request leaves to the application (schedule.r15, r18 to r22).

    Raises RoutingIncomplete.
    """
    kind = ApplicationKind(application.kind)
    wanted = given or Routing()
    type_ = wanted.type or _DEFAULT_TYPE[kind]
    properties = dict(wanted.properties)
    properties.setdefault("chatMode", _DEFAULT_CHAT_MODE[kind])
    match kind:
        case ApplicationKind.GENESYS:
            if application.deployment_id:
                properties.setdefault("deploymentId", application.deployment_id)
            # The server knows its environment; a caller cannot choose another one.
            properties["pcEnvironment"] = application.environment
        case ApplicationKind.TALKDESK:
            if application.touchpoint_id:
                properties.setdefault("touchpointId", application.touchpoint_id)
    needed = _NEEDED[type_]
    if given is not None and not properties.get(needed):
        raise RoutingIncomplete(
            property=needed,
            errors={f"interaction.routing.properties.{needed}": ["This field is required."]},
        )
    return Routing(type=type_, properties=properties)
