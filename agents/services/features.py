"""Commands about the parts of the desk that an organisation has; operators give them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors import NotForYourRole
from agents.errors_desk import FeatureUnknown, MemberMissing, NothingThere
from agents.models import Organization
from agents.models.tenancy import Feature
from agents.services.intervals import record_next
from config.kernel.actors import Actor, ActorKind
from config.kernel.ids import parse_uuid

_KNOWN = {str(feature): feature for feature in Feature}


def feature_named(name: str) -> Feature:
    """Give one of the features that there are. Raises FeatureUnknown."""
    found = _KNOWN.get(name)
    if found is None:
        raise FeatureUnknown
    return found


def house_of_operator(named: str | None) -> UUID:
    """Give the organisation that an operator means: the one it names, or the only one there is.

    Raises MemberMissing, NothingThere.
    """
    houses = Organization.objects.order_by("pk")
    if named is not None:
        wanted = parse_uuid(named)
        if wanted is None or not houses.filter(pk=wanted).exists():
            raise NothingThere(what="contact center")
        return wanted
    ids = list(houses.values_list("pk", flat=True)[:2])
    if len(ids) != 1:
        raise MemberMissing(name="organizationId")
    return ids[0]


@transaction.atomic
def assign_feature(feature: Feature, *, organization_id: UUID, actor: Actor, now: datetime) -> None:
    """Let an organisation have a part of the desk; one that has it already keeps it.

    Raises NotForYourRole, NothingThere.
    """
    house = _lock(organization_id, actor)
    if feature in house.features:
        return
    kept = {*house.features, feature.value}
    _write(house, [one.value for one in Feature if one in kept])
    _record("assigned", house, feature, actor=actor, now=now)


@transaction.atomic
def remove_feature(feature: Feature, *, organization_id: UUID, actor: Actor, now: datetime) -> None:
    """Take a part of the desk from an organisation; what is behind it stays for another time.

    Raises NotForYourRole, NothingThere, FeatureUnknown for one that it does not have.
    """
    house = _lock(organization_id, actor)
    if feature not in house.features:
        raise FeatureUnknown
    _write(house, [one for one in house.features if one != feature])
    _record("removed", house, feature, actor=actor, now=now)


def _lock(organization_id: UUID, actor: Actor) -> Organization:
    if actor.kind != ActorKind.SYSTEM and actor.organization_id is not None:
        raise NotForYourRole
    houses = Organization.objects.select_for_update(no_key=True)
    found = houses.filter(pk=organization_id).first()
    if found is None:
        raise NothingThere(what="contact center")
    return found


def _write(house: Organization, features: list[str]) -> None:
    house.features = features
    house.save(update_fields=["features"])


def _record(
    what: str, house: Organization, feature: Feature, *, actor: Actor, now: datetime
) -> None:
    record_next(
        f"organization.feature_{what}",
        house.pk,
        house.pk,
        actor=actor,
        now=now,
        facts={"feature": feature.value},
    )
