"""What every operation of our surfaces has: who may call it, how it is read, how it is repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from agents.api.authentication import actor_of_request
from agents.services import idempotency
from config.kernel.actors import Actor, Role
from config.kernel.json import body_of, dumps

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

Roles = Mapping[str, tuple[Role, ...] | None]


def parse(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Give what the body says, well-formed.

    Raises MissingBody, MalformedJson, BodyTooLarge, and ValidationError with each field's path.
    """
    body = body_of(request)
    data: dict[str, Any] = _reader(serializer_class).run_validation(body)
    return data


@cache
def _reader(serializer_class: type[Serializer[Any]]) -> Serializer[Any]:
    # To read changes nothing in a serializer, and to make one copies every field of it.
    return serializer_class()


class SurfaceViewSet(ViewSet):
    """Answers in the order of the contract: 405, 401, 403, then what the action finds."""

    # Who may call each action; None: anybody, whatever the Authorization header holds.
    roles: ClassVar[Roles] = {}
    # POST actions that make nothing twice by themselves, or whose answer must not be kept.
    not_repeatable: ClassVar[frozenset[str]] = frozenset()
    # Written down with every change that is made through it.
    surface: ClassVar[str] = "api"
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    post: Callable[..., HttpResponse]

    @property
    def actor(self) -> Actor:
        """Give who asks; only actions that are not open to anybody have one."""
        return actor_of_request(self.request)

    @property
    def allowed_methods(self) -> list[str]:
        """Give the methods of this path; an action may have the name of another method."""
        return [method.upper() for method in self.action_map]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Give what every answer says: answers hold tickets and persons, so nobody keeps them."""
        return {"Allow": ", ".join(self.allowed_methods), "Cache-Control": "no-store"}

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Give none for an action that is open: a bad token makes no difference there."""
        action = getattr(self, "action", None) or self._action_of(self.request)
        return [] if self.roles.get(action, ()) is None else super().get_authenticators()

    def _action_of(self, request: Any) -> str:
        return str(self.action_map.get(str(request.method).lower()))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks before anything is read."""
        if self.action not in self.roles:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        key = request.META.get(idempotency.HEADER)
        if request.method == "POST" and key is not None and self._is_repeatable():
            # The handler is taken from the instance right after this (APIView.dispatch).
            self.post = partial(self._once, idempotency.parse_key(key), self.post)

    def _is_repeatable(self) -> bool:
        return self.roles[self.action] is not None and self.action not in self.not_repeatable

    def _once(
        self,
        key: str,
        handler: Callable[..., HttpResponse],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> Response:
        def carry_out() -> idempotency.Answer:
            return _kept(handler(request, *args, **kwargs))

        fingerprint = idempotency.fingerprint_of(
            request.path, request.META.get("QUERY_STRING", ""), request._request.body
        )
        answer = idempotency.once(key, actor=self.actor, body=fingerprint, command=carry_out)
        return Response(
            orjson.Fragment(answer.body) if answer.body else None,
            status=answer.status,
            headers={"Idempotency-Replayed": "true"} if answer.is_replayed else None,
        )


def _kept(response: HttpResponse) -> idempotency.Answer:
    body = dumps(response.data) if isinstance(response, Response) else response.content
    return idempotency.Answer(status=response.status_code, body=body)
