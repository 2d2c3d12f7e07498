"""What every operation of desktops has: who may, how it is read, and what its reply says.

A resource is a class with one entry for each method that it has:

    class SkillsView(DeskView):
        get = Operation(list_skills, ADMINS, feature=READING)
        post = Operation(create_skill, ADMINS, feature=WRITING)

    class UserView(DeskView):
        get = Operation(read_user, STAFF)
        post = Operations({"ChangePassword": Operation(change_password, LEADERS)},
                          otherwise=Operation(update_user, STAFF))

An operation is a function of the DeskRequest and the ids of the path. It gives the members of
its reply (addresses as paths), None for none, or an answer of its own for what is no JSON; it
raises DomainErrors for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any, ClassVar, cast

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api.desk.addresses import made_absolute
from agents.api.desk.admission import (
    ADMINS,
    AGENTS,
    ANYBODY,
    LEADERS,
    OPERATORS,
    STAFF,
    SUPERVISORS,
    Admission,
)
from agents.api.desk.asked import DeskRequest, Members, id_of, members_of
from agents.api.desk.authentication import DeskAuthentication, set_cookie, set_csrf_headers
from agents.api.desk.body import Body
from agents.api.desk.shapes import PLAIN, Shape, http_status_of, message_of, status_code_of
from agents.errors import PasswordChangeNeeded, RoleMissing
from agents.errors_desk import (
    FeatureMissing,
    OperationMissing,
    OperationUnknown,
    WritingNotAssigned,
)
from agents.models.tenancy import Feature
from agents.services import desk_cookies, desk_sessions
from agents.services.desk_access import DeskCaller
from config.kernel.errors import DomainError
from config.kernel.exceptions import exception_handler

# What views take from here, so that each has one place to look.
__all__ = [
    "ADMINS",
    "AGENTS",
    "ANYBODY",
    "LEADERS",
    "OPERATORS",
    "STAFF",
    "SUPERVISORS",
    "Admission",
    "DeskRequest",
    "DeskView",
    "Members",
    "Operation",
    "Operations",
    "id_of",
    "members_of",
    "served",
]

Run = Callable[..., Members | HttpResponseBase | None]


# --- Operations ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of a resource."""

    run: Run
    admission: Admission
    shape: Shape = PLAIN
    # What the organisation must have been assigned, or it is answered as if there were nothing.
    feature: Feature | None = None
    # Whether somebody may ask it whose password has to be changed first.
    before_change: bool = False

    def __get__(self, view: DeskView | None, owner: type) -> Any:
        return self if view is None else partial(self.answer, view)

    def shape_for(self, request: Request) -> Shape:
        """Give what failures look like."""
        return self.shape

    def answer(self, view: DeskView, request: Request, **ids: str) -> HttpResponseBase:
        """Answer the request. Raises whatever the operation refuses."""
        return view.carry_out(self, DeskRequest(request, _caller_of(request), view.now), ids)

    def check(self, caller: DeskCaller) -> None:
        """Let a caller through.

        Raises PasswordChangeNeeded, RoleMissing, FeatureMissing, WritingNotAssigned.
        """
        if caller.must_change_password and not self.before_change:
            raise PasswordChangeNeeded
        if not self.admission.lets_in(caller):
            raise RoleMissing
        if self.feature is not None and str(self.feature) not in caller.features:
            if self.feature is Feature.PROVISIONING_WRITE:
                raise WritingNotAssigned(feature=self.feature)
            raise FeatureMissing(feature=self.feature)


ByName = Callable[[DeskRequest, str], Operation | None]


class Operations:
    """What POST can be asked of a resource, by operationName."""

    def __init__(
        self,
        named: Mapping[str, Operation],
        *,
        second_names: Mapping[str, str] | None = None,
        by_name: ByName | None = None,
        otherwise: Operation | None = None,
        shape: Shape = PLAIN,
    ) -> None:
        """Take operations by their names, and the names by which clients also call them.

        `by_name` finds those whose names are data; `otherwise` takes bodies without a name;
        `shape` is that of failures before one is found.
        """
        self.named = dict(named)
        self._second_names = dict(second_names or {})
        self._by_name = by_name
        self._otherwise = otherwise
        self._shape = shape

    def __get__(self, view: DeskView | None, owner: type) -> Any:
        return self if view is None else partial(self.answer, view)

    @property
    def all(self) -> list[Operation]:
        """Give every operation that is known beforehand."""
        return [*self.named.values(), *([self._otherwise] if self._otherwise else [])]

    def shape_for(self, request: Request) -> Shape:
        """Give what failures look like, by the name that the body holds, if it can be read."""
        try:
            name = Body(members_of(request)).text_or_none("operationName")
        except (DomainError, APIException):
            return self._shape
        found = self._otherwise if name is None else self._of(name)
        return found.shape if found else self._shape

    def answer(self, view: DeskView, request: Request, **ids: str) -> HttpResponseBase:
        """Answer the request. Raises OperationMissing, OperationUnknown, and what it refuses."""
        asked = DeskRequest(request, _caller_of(request), view.now)
        found = self._find(asked)
        if found is not None:
            return view.carry_out(found, asked, ids)
        self._check_any(asked.caller)
        raise OperationUnknown if "operationName" in asked.body else OperationMissing

    def _of(self, name: str) -> Operation | None:
        return self.named.get(self._second_names.get(name, name))

    def _find(self, asked: DeskRequest) -> Operation | None:
        try:
            name = asked.body.text_or_none("operationName")
        except (DomainError, APIException):
            self._check_any(asked.caller)
            raise
        if name is None:
            return self._otherwise
        return self._of(name) or (self._by_name(asked, name) if self._by_name else None)

    def _check_any(self, caller: DeskCaller) -> None:
        """Say nothing of what there is to whoever may ask none of it."""
        if caller.must_change_password:
            raise PasswordChangeNeeded
        admitted = [one for one in self.all if one.admission.lets_in(caller)]
        if not admitted:
            raise RoleMissing
        # Operations of one resource need the same feature.
        admitted[0].check(caller)


def _caller_of(request: Request) -> DeskCaller:
    return cast(DeskCaller, request.auth)


# --- Resources ----------------------------------------------------------------------------------


class DeskView(APIView):
    """Answers in the order of the contract: 405, 401, 403, then what the operation finds."""

    authentication_classes = [DeskAuthentication]
    permission_classes = []
    http_method_names = ["get", "post", "put", "delete", "head"]
    # What failures look like before it is known what is asked.
    shape: ClassVar[Shape] = PLAIN

    _asked: DeskRequest | None = None
    _shape: Shape | None = None

    @cached_property
    def now(self) -> datetime:
        """Give the moment of the request."""
        return timezone.now()

    @property
    def allowed_methods(self) -> list[str]:
        """Give the methods of this resource."""
        return [name.upper() for name in self.http_method_names if self._entry(name) is not None]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Give what every answer says: answers hold persons and calls, so nobody keeps them."""
        return {"Allow": ", ".join(self.allowed_methods), "Cache-Control": "no-store"}

    def _entry(self, method: str) -> Operation | Operations | None:
        name = "get" if method.lower() == "head" else method.lower()
        found = getattr(type(self), name, None)
        return found if isinstance(found, Operation | Operations) else None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks before anything is read.

        Raises MethodNotAllowed, Unauthenticated, TooManyAttempts.
        """
        if self._entry(str(request.method)) is None:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        caller = _caller_of(request)
        desk_sessions.note_seen(caller.user_id, seen_at=caller.desk_seen_at, now=self.now)

    def carry_out(
        self, operation: Operation, asked: DeskRequest, ids: Mapping[str, str]
    ) -> HttpResponseBase:
        """Give the answer of one operation. Raises whatever it refuses."""
        self._asked, self._shape = asked, operation.shape
        operation.check(asked.caller)
        given = operation.run(asked, **ids)
        if isinstance(given, HttpResponseBase):
            return given
        members = {**operation.shape.success, **made_absolute(given or {})}
        return Response({"statusCode": 0, **members})

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a refusal, or a failure of ours, as the contract's statusCode."""
        plain = exception_handler(exc, self.get_exception_handler_context())
        code = status_code_of(exc, plain.status_code)
        shape = self._shape or self._shape_before(self.request)
        answer = Response(
            shape.failure(code, message_of(plain.data)),
            status=http_status_of(code, plain.status_code),
            headers=dict(plain.headers),
        )
        answer.exception = True
        return answer

    def _shape_before(self, request: Request) -> Shape:
        entry = self._entry(str(request.method))
        return self.shape if entry is None else entry.shape_for(request)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Give the answer together with what the client is to keep."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        caller = getattr(request, "_auth", None)
        if isinstance(caller, DeskCaller):
            self._hand_out(answer, caller)
        return answer

    def _hand_out(self, answer: HttpResponseBase, caller: DeskCaller) -> None:
        asked = self._asked
        cookie = caller.cookie_to_set if asked is None else asked.cookie_to_set
        if cookie is not None:
            set_cookie(answer, cookie)
        elif asked is not None and asked.has_ended_session:
            answer.delete_cookie(desk_cookies.NAME, path="/", samesite="Lax")
        if self.request.method in {"GET", "HEAD"}:
            set_csrf_headers(answer, caller)


def served(route: str, view: type[DeskView]) -> list[URLPattern]:
    """Give the routes of a resource: as it is documented, and with a slash at the end."""
    return [path(route, view.as_view()), path(f"{route}/", view.as_view())]
