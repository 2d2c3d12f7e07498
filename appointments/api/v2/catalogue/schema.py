"""What OpenAPI says of each operation; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.serializers import Serializer

from agents.api.openapi import refusals
from appointments.services.catalogue import Kind

ViewSet = TypeVar("ViewSet", bound=type)


@dataclass(frozen=True, kw_only=True)
class Described:
    """A kind of entry: how one and many are called, and their shapes."""

    one: str
    many: str
    kind: Kind[Any]
    reads: type[Serializer[Any]]
    shows: type[Serializer[Any]]
    pages: type[Serializer[Any]]
    # Gives an entry as it is answered.
    show: Callable[[Any], dict[str, Any]]

    @property
    def query(self) -> list[OpenApiParameter]:
        """The parameters of the list."""
        fields = ", ".join(self.kind.sort_fields)
        page = [
            OpenApiParameter(
                "pageSize", OpenApiTypes.INT64, description="25 unless told, at most 1000."
            ),
            OpenApiParameter("pageNumber", OpenApiTypes.INT64, description="From 1."),
            OpenApiParameter("sortField", description=f"{fields}; the first unless told."),
            OpenApiParameter("sortOrder", enum=["asc", "desc"]),
        ]
        active = OpenApiParameter("active", OpenApiTypes.BOOL, description="All unless told.")
        return [*page, active] if self.kind.has_switch else page


def documented(it: Described) -> Callable[[ViewSet], ViewSet]:
    """Describe the five operations of a kind."""
    prefix = f"frontdesk.catalogue.{it.many.replace(' ', '_')}"

    def described(name: str, summary: str, **options: Any) -> Any:
        return extend_schema(
            operation_id=f"{prefix}.{name}", summary=summary, tags=["Catalogue"], **options
        )

    # A page is one object, whatever the method is called.
    page = forced_singular_serializer(it.pages)  # type: ignore[no-untyped-call]  # untyped there
    decorate: Callable[[ViewSet], ViewSet] = extend_schema_view(
        list=described(
            "list",
            f"One page of {it.many}",
            parameters=it.query,
            request=None,
            responses={200: page, **refusals(400, 401, 403, 500)},
        ),
        create=described(
            "create",
            f"Adds: {it.one}",
            request=it.reads,
            responses={201: it.shows, **refusals(400, 401, 403, 409, 500)},
        ),
        retrieve=described(
            "get",
            f"Shows: {it.one}",
            request=None,
            responses={200: it.shows, **refusals(401, 403, 404, 500)},
        ),
        update=described(
            "update",
            f"Replaces as a whole: {it.one}",
            request=it.reads,
            responses={200: it.shows, **refusals(400, 401, 403, 404, 409, 500)},
        ),
        destroy=described(
            "delete",
            f"Deletes: {it.one}",
            request=None,
            responses={204: None, **refusals(401, 403, 404, 409, 500)},
        ),
    )
    return decorate
