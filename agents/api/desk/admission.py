"""Who is let in to an operation of the desk."""

from __future__ import annotations

from dataclasses import dataclass

from agents.services.desk_access import DeskCaller
from config.kernel.actors import Role


@dataclass(frozen=True)
class Admission:
    """Who is let in; SUPERVISOR wherever AGENT is (contract, conventions)."""

    roles: frozenset[Role] = frozenset()
    anybody: bool = False
    operators: bool = False

    def lets_in(self, caller: DeskCaller) -> bool:
        """Tell whether somebody may go on."""
        if self.anybody or (self.operators and caller.is_operator):
            return True
        held = set(caller.roles)
        if Role.SUPERVISOR in held:
            held.add(Role.AGENT)
        return not self.roles.isdisjoint(held)


ANYBODY = Admission(anybody=True)
OPERATORS = Admission(operators=True)
AGENTS = Admission(frozenset({Role.AGENT}))
ADMINS = Admission(frozenset({Role.ADMIN}))
SUPERVISORS = Admission(frozenset({Role.SUPERVISOR}))
STAFF = Admission(frozenset({Role.ADMIN, Role.AGENT}))
LEADERS = Admission(frozenset({Role.ADMIN, Role.SUPERVISOR}))
