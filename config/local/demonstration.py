"""What `manage.py demo --json` says: whom a newcomer can log in as."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_SUPERVISOR = "ROLE_SUPERVISOR"


@dataclass(frozen=True)
class Login:
    """A user of a demonstration organisation. Nothing real stands behind the password."""

    organization: str
    username: str
    password: str


@dataclass(frozen=True)
class Demonstration:
    """The supervisors of the demonstration organisations."""

    logins: tuple[Login, ...]

    @classmethod
    def read(cls, path: Path) -> Demonstration:
        """Read what the command has written; what cannot be understood shows nobody."""
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            logins = tuple(
                Login(organization["name"], user["username"], user["password"])
                for organization in facts["organizations"]
                for user in organization["users"]
                if _SUPERVISOR in user["roles"]
            )
        except (ValueError, KeyError, TypeError):
            return cls(())
        return cls(logins)
