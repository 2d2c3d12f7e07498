"""Features: those of the contact center, and those that there are."""

from __future__ import annotations

from agents.api.desk.addresses import ROOT
from agents.api.desk.base import (
    ADMINS,
    OPERATORS,
    STAFF,
    DeskRequest,
    DeskView,
    Members,
    Operation,
)
from agents.errors_desk import FeatureUnknown
from agents.models.tenancy import Feature
from agents.services import features

# What a desktop may tell its user of each.
_DESCRIPTIONS = {
    Feature.PROVISIONING_READ: "Users, skills and devices can be read.",
    Feature.PROVISIONING_WRITE: "Users, skills, devices, contacts and settings can be changed.",
    Feature.VOICE: "Agents have devices, and call and are called on them.",
    Feature.MULTIMEDIA: "Agents have channels for e-mail and chat.",
    Feature.SUPERVISOR_ROUTING: "Supervisors see how work is given out.",
    Feature.SUPERVISOR_SKILL: "Supervisors see the skills of agents.",
    Feature.SUPERVISOR_USER: "Supervisors see the users.",
    Feature.SUPERVISOR_RECORDING: "Supervisors find and play recordings.",
    Feature.SUPERVISOR_REPORTING: "Supervisors see reports.",
}


def feature_json(feature: Feature, *, root: str = f"{ROOT}/features") -> Members:
    """Give a feature as desktops read it."""
    return {
        "id": feature.value,
        "displayName": feature.label,
        "description": _DESCRIPTIONS[feature],
        "uri": f"{root}/{feature.value}",
    }


def assigned_to(asked: DeskRequest) -> list[Feature]:
    """Give the features of the caller's contact center."""
    return [one for one in Feature if asked.has_feature(one)]


def _listing(asked: DeskRequest, found: list[Feature], root: str) -> Members:
    return asked.listing(
        "features",
        found,
        uri=lambda one: f"{root}/{one.value}",
        wire=lambda one: feature_json(one, root=root),
    )


def list_features(asked: DeskRequest) -> Members:
    """Give what the contact center has been assigned."""
    return _listing(asked, assigned_to(asked), f"{ROOT}/features")


def read_feature(asked: DeskRequest, feature_id: str) -> Members:
    """Give one feature of the contact center. Raises FeatureUnknown."""
    feature = features.feature_named(feature_id)
    if not asked.has_feature(feature):
        raise FeatureUnknown
    return {"feature": feature_json(feature)}


def remove_feature(asked: DeskRequest, feature_id: str) -> None:
    """Take a feature from a contact center; the query names it where there are several."""
    feature = features.feature_named(feature_id)
    house = features.house_of_operator(asked.text("organizationId"))
    features.remove_feature(feature, organization_id=house, actor=asked.actor, now=asked.now)


def assign_feature(asked: DeskRequest) -> None:
    """Assign a feature to a contact center; the query names it where there are several."""
    feature = features.feature_named(asked.body.reference("id", "uri"))
    house = features.house_of_operator(asked.text("organizationId"))
    features.assign_feature(feature, organization_id=house, actor=asked.actor, now=asked.now)


def list_system_features(asked: DeskRequest) -> Members:
    """Give every feature that there is."""
    return _listing(asked, list(Feature), f"{ROOT}/system/features")


def read_system_feature(asked: DeskRequest, feature_id: str) -> Members:
    """Give one of them. Raises FeatureUnknown."""
    feature = features.feature_named(feature_id)
    return {"feature": feature_json(feature, root=f"{ROOT}/system/features")}


class FeaturesView(DeskView):
    get = Operation(list_features, STAFF)
    post = Operation(assign_feature, OPERATORS)


class FeatureView(DeskView):
    get = Operation(read_feature, STAFF)
    delete = Operation(remove_feature, OPERATORS)


class SystemFeaturesView(DeskView):
    get = Operation(list_system_features, ADMINS)


class SystemFeatureView(DeskView):
    get = Operation(read_system_feature, ADMINS)
