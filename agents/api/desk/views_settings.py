"""Settings: the groups that there are, the country, and the states of agents."""

from __future__ import annotations

from typing import Any

from agents.agent_states import Descriptor, Descriptors
from agents.api.desk.addresses import ROOT
from agents.api.desk.base import ADMINS, STAFF, DeskRequest, DeskView, Members, Operation
from agents.general_settings import general_settings_of
from agents.models.tenancy import Feature
from agents.services import agent_states
from agents.services.agent_states import StateChanges

_WRITING = Feature.PROVISIONING_WRITE
GENERAL, AGENT_STATES = "general-settings", "agent-states"
_GROUPS = {GENERAL: "General", AGENT_STATES: "Agent States"}


def list_groups(asked: DeskRequest) -> Members:
    """Give the groups of settings; none of them belongs to a feature."""
    groups = [
        {"displayName": shown, "uri": f"{ROOT}/settings/{name}"} for name, shown in _GROUPS.items()
    ]
    return {"settings": groups}


def read_general(asked: DeskRequest) -> Members:
    """Give the country of the contact center."""
    return {"settings": general_settings_of(asked.organization_id)}


def descriptor_json(one: Descriptor) -> dict[str, str]:
    """Give a state as desktops read it."""
    members = {
        "id": one.id,
        "operationName": one.operation_name,
        "displayName": one.display_name,
        "state": str(one.state),
        "workMode": str(one.work_mode),
        "reason": one.reason,
    }
    return {name: text for name, text in members.items() if text}


def states_json(asked: DeskRequest) -> dict[str, Any]:
    """Give the states of the contact center, and by what they are known."""
    found = asked.page(Descriptors.of(asked.organization_id).all)
    return {"key": "operationName", "settings": [descriptor_json(one) for one in found]}


def create_state(asked: DeskRequest) -> Members:
    """Name a state, and say where it is read."""
    body = asked.body
    body.require("operationName", "displayName", "state")
    row = agent_states.create_agent_state(
        body.text("operationName"),
        body.text("displayName"),
        state=body.text("state"),
        work_mode=body.text_or_none("workMode") or "",
        reason=body.text_or_none("reason") or "",
        actor=asked.actor,
        now=asked.now,
    )
    return {"id": str(row.pk), "uri": f"{ROOT}/settings/{AGENT_STATES}/{row.pk}"}


def read_state(asked: DeskRequest, state_id: str) -> Members:
    """Give one state: the address that its creation gave. Raises AgentStateNotFound."""
    found = Descriptors.of(asked.organization_id)
    return {"setting": descriptor_json(agent_states.descriptor_of_id(found, state_id))}


def change_state(asked: DeskRequest) -> None:
    """Change the state that operationName selects."""
    body = asked.body
    changes = StateChanges(
        display_name=body.changed_text("displayName"),
        state=body.changed_text("state"),
        work_mode=body.changed_text("workMode"),
        reason=body.changed_text("reason"),
    )
    agent_states.change_agent_state(
        body.text("operationName"), changes, actor=asked.actor, now=asked.now
    )


def delete_state(asked: DeskRequest) -> None:
    """Take a state away: the body names it, or the query for clients that cannot send one."""
    name = asked.body.text_or_none("operationName") or asked.text("operationName")
    if name is None:
        asked.body.require("operationName")
    agent_states.delete_agent_state(str(name), actor=asked.actor, now=asked.now)


class SettingsView(DeskView):
    get = Operation(list_groups, ADMINS)


class GeneralSettingsView(DeskView):
    get = Operation(read_general, STAFF)


class AgentStatesView(DeskView):
    get = Operation(states_json, STAFF)
    post = Operation(create_state, ADMINS, feature=_WRITING)
    put = Operation(change_state, ADMINS, feature=_WRITING)
    delete = Operation(delete_state, ADMINS, feature=_WRITING)


class AgentStateView(DeskView):
    get = Operation(read_state, STAFF)
