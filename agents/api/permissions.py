"""Who may call an operation: written beside it, as the contract has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from agents.api.authentication import actor_of_request
from agents.errors import RoleMissing

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class RolesOfOperation(BasePermission):
    """Lets a caller in who holds one of the view's `roles` for the action.

    None means that anybody may call; an action without an entry lets nobody in (agents.E001).
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell that the caller may go on.

        Raises Unauthenticated, RoleMissing.
        """
        roles = getattr(view, "roles", {}).get(getattr(view, "action", None), ())
        if roles is None:
            return True
        if not actor_of_request(request).has(*roles):
            raise RoleMissing
        return True
