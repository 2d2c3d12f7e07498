"""How those who act are reached."""

from __future__ import annotations

from agents.models import User
from config.kernel.actors import Actor, ActorKind


def address_of(actor: Actor) -> str:
    """Give the e-mail address of the user who acts; nothing for whoever has none."""
    if actor.kind != ActorKind.USER:
        return ""
    found = User.objects.filter(pk=actor.id).values_list("username", flat=True).first()
    return found or ""
