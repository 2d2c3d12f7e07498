"""The catalogue: each operation reads, calls one service, and answers."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from appointments import catalogue_wire
from appointments.api.v2.catalogue import filters, serializers, wire
from appointments.api.v2.catalogue.schema import Described, documented
from appointments.services import catalogue
from config.kernel.actors import Role
from config.kernel.pagination import envelope

_READERS = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.CLIENT_SERVICE)
_WRITERS = (Role.ADMIN,)


class CatalogueViewSet(SurfaceViewSet):
    """The five operations that every kind of entry has."""

    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "list": _READERS,
        "retrieve": _READERS,
        "create": _WRITERS,
        "update": _WRITERS,
        "destroy": _WRITERS,
    }
    it: ClassVar[Described]

    def list(self, request: Request) -> Response:
        page = filters.list_page(request.query_params, self.it.kind)
        is_active = filters.active(request.query_params) if self.it.kind.has_switch else None
        found = catalogue.list_entries(self.it.kind, page, is_active=is_active, actor=self.actor)
        content = [self.it.show(one) for one in found.rows]
        return Response(envelope(content, found.total, page))

    def create(self, request: Request) -> Response:
        made = catalogue.create_entry(
            self.it.kind, parse(self.it.reads, request), actor=self.actor, now=timezone.now()
        )
        return Response(self.it.show(made), status=201)

    def retrieve(self, _request: Request, id: str) -> Response:
        return Response(self.it.show(catalogue.read_entry(self.it.kind, id, actor=self.actor)))

    def update(self, request: Request, id: str) -> Response:
        values = parse(self.it.reads, request)
        changed = catalogue.replace_entry(
            self.it.kind, id, values, actor=self.actor, now=timezone.now()
        )
        return Response(self.it.show(changed))

    def destroy(self, _request: Request, id: str) -> Response:
        catalogue.delete_entry(self.it.kind, id, actor=self.actor, now=timezone.now())
        return Response(status=204)


def _of(it: Described) -> type[CatalogueViewSet]:
    name = f"{it.kind.model.__name__}ViewSet"
    return documented(it)(type(name, (CatalogueViewSet,), {"it": it, "__module__": __name__}))


SubjectGroupViewSet = _of(
    Described(
        one="a subject group",
        many="subject groups",
        kind=catalogue.SUBJECT_GROUPS,
        reads=serializers.SubjectGroupRequest,
        shows=serializers.SubjectGroupResponse,
        pages=serializers.SubjectGroupsPaged,
        show=catalogue_wire.subject_group,
    )
)
SubjectViewSet = _of(
    Described(
        one="a subject",
        many="subjects",
        kind=catalogue.SUBJECTS,
        reads=serializers.SubjectRequest,
        shows=serializers.SubjectResponse,
        pages=serializers.SubjectsPaged,
        show=wire.subject,
    )
)
OfficeViewSet = _of(
    Described(
        one="an office",
        many="offices",
        kind=catalogue.OFFICES,
        reads=serializers.OfficeRequest,
        shows=serializers.OfficeResponse,
        pages=serializers.OfficesPaged,
        show=catalogue_wire.office,
    )
)
ListingViewSet = _of(
    Described(
        one="a listing",
        many="listings",
        kind=catalogue.LISTINGS,
        reads=serializers.ListingRequest,
        shows=serializers.ListingResponse,
        pages=serializers.ListingsPaged,
        show=catalogue_wire.listing,
    )
)
LeadSegmentViewSet = _of(
    Described(
        one="a lead segment",
        many="lead segments",
        kind=catalogue.LEAD_SEGMENTS,
        reads=serializers.LeadSegmentRequest,
        shows=serializers.LeadSegmentResponse,
        pages=serializers.LeadSegmentsPaged,
        show=catalogue_wire.lead_segment,
    )
)
FormViewSet = _of(
    Described(
        one="a form",
        many="forms",
        kind=catalogue.FORMS,
        reads=serializers.FormRequest,
        shows=serializers.FormResponse,
        pages=serializers.FormsPaged,
        show=wire.form,
    )
)
