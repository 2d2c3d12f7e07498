"""What devices and supervisors link to: routing templates, the switch, phone numbers."""

from __future__ import annotations

from agents import desk_wire
from agents.api.desk.base import ADMINS, STAFF, DeskRequest, DeskView, Members, Operation, id_of
from agents.errors_desk import NothingThere
from agents.models import Device
from agents.models.tenancy import Feature
from agents.phone_numbers import read_number
from agents.routing_templates import RoutingTemplate, template_of, templates_for


def list_templates(asked: DeskRequest) -> Members:
    """Give the routing templates of a channel and a version, or all."""
    found = templates_for(channel=asked.text("channel"), version=asked.text("version"))
    return asked.listing(
        "routing-templates",
        found,
        uri=lambda one: one.path,
        wire=RoutingTemplate.as_json,
    )


def read_template(asked: DeskRequest, template_id: str) -> Members:
    """Give one of them. Raises NothingThere."""
    return {"routing-template": template_of(template_id).as_json()}


def read_voice_environment(asked: DeskRequest, environment_id: str) -> Members:
    """Give the switch of the contact center, which goes by its id. Raises NothingThere."""
    house = asked.organization_id
    if id_of(environment_id, what="voice environment") != house:
        raise NothingThere(what="voice environment")
    return {
        "voice-environment": {
            "id": str(house),
            "uri": desk_wire.voice_environment_path(house),
            "name": "Frontdesk",
        }
    }


def read_phone_number(asked: DeskRequest, number_id: str) -> Members:
    """Give the number of a device, which goes by the id of the device. Raises NothingThere."""
    wanted = id_of(number_id, what="phone number")
    device = Device.objects.visible_to(asked.actor).filter(pk=wanted).first()
    if device is None:
        raise NothingThere(what="phone number")
    return {
        "phone-number": {
            "id": str(device.pk),
            "uri": desk_wire.phone_number_path(device),
            "phoneNumber": device.phone_number,
            "country": read_number(device.phone_number).country.as_json(),
        }
    }


class RoutingTemplatesView(DeskView):
    get = Operation(list_templates, ADMINS, feature=Feature.SUPERVISOR_ROUTING)


class RoutingTemplateView(DeskView):
    get = Operation(read_template, ADMINS, feature=Feature.SUPERVISOR_ROUTING)


class VoiceEnvironmentView(DeskView):
    get = Operation(read_voice_environment, STAFF)


class PhoneNumberView(DeskView):
    get = Operation(read_phone_number, STAFF)
