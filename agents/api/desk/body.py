"""What a desktop sends: members are read by name, and what is wrong with one says which it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from agents.api.desk.addresses import id_in
from agents.errors_desk import MemberInvalid, MemberMissing
from config.kernel import limits

T = TypeVar("T")


class Body:
    """The members of a request; those that nobody asks for are ignored.

    A member that is missing, null or an empty text is not there (statusCode 1 where it is needed);
    one of the wrong type is refused (statusCode 2).
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def __contains__(self, name: str) -> bool:
        """Tell whether a member is there, with something in it."""
        return self._members.get(name) not in (None, "")

    def raw(self, name: str) -> Any:
        """Give a member as it was sent; None when it is not there."""
        return self._members.get(name)

    def require(self, *names: str) -> None:
        """Raise MemberMissing for the first of these that is not there."""
        for name in names:
            if name not in self:
                raise MemberMissing(name=name)

    def text(self, name: str, *, most: int = limits.NAME_LENGTH) -> str:
        """Give a text that has to be there. Raises MemberMissing, MemberInvalid."""
        self.require(name)
        return self._text(name, most)

    def text_or_none(self, name: str, *, most: int = limits.NAME_LENGTH) -> str | None:
        """Give a text, None when it is not there. Raises MemberInvalid."""
        return self._text(name, most) if name in self else None

    def changed_text(self, name: str, *, most: int = limits.NAME_LENGTH) -> str | None:
        """Give what a text is to become, empty to take it away; None to leave it, as null says.

        Raises MemberInvalid.
        """
        return None if self._members.get(name) is None else self._text(name, most)

    def _text(self, name: str, most: int) -> str:
        value = self._members[name]
        if not isinstance(value, str):
            raise MemberInvalid(name=name, why="it is a text")
        if len(value) > most:
            raise MemberInvalid(name=name, why=f"it has at most {most} characters")
        return value

    def flag(self, name: str) -> bool | None:
        """Give true or false, None when it is not there. Raises MemberInvalid."""
        value = self._members.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise MemberInvalid(name=name, why="it is true or false")

    def texts(self, name: str) -> list[str] | None:
        """Give an array of texts, None when it is not there. Raises MemberInvalid."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise MemberInvalid(name=name, why="it is an array of texts")
        return value

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Give an object, None when it is not there. Raises MemberInvalid."""
        value = self._members.get(name)
        if value is None or isinstance(value, dict):
            return value
        raise MemberInvalid(name=name, why="it is an object")

    def one_of(self, name: str, values: Iterable[T], *, default: T | None = None) -> T | None:
        """Give one of the values, `default` when it is not there. Raises MemberInvalid."""
        if name not in self:
            return default
        known = {str(value): value for value in values}
        wanted = self._members[name]
        if not isinstance(wanted, str) or wanted not in known:
            raise MemberInvalid(name=name, why=f"it is one of {', '.join(known)}")
        return known[wanted]

    def reference(self, *names: str) -> str:
        """Give the id that the first of these members names, by an address or alone.

        Raises MemberMissing when none is there, MemberInvalid.
        """
        for name in names:
            if name in self:
                return id_in(self._text(name, limits.URL_LENGTH))
        raise MemberMissing(name=" or ".join(names))
