"""The operations of the contract, in its order; fixed words win over ids."""

from django.urls import URLPattern

from appointments.api.v1.views import AppointmentViewSet, ParticipantViewSet
from config.kernel.openapi import operation

appointments = AppointmentViewSet.as_view
participants = ParticipantViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/", appointments({"get": "list", "post": "schedule", "put": "update"})),
    *operation("/activate/<str:id>", appointments({"post": "activate"})),
    *operation("/basic", appointments({"post": "schedule_as_customer"})),
    *operation("/count", appointments({"get": "count"})),
    *operation("/eligible/", appointments({"get": "eligible"})),
    *operation("/overlap/count", appointments({"get": "overlap_count"})),
    *operation("/participants/agents/", participants({"post": "add_agent"})),
    *operation("/participants/customers/", participants({"post": "add_customer"})),
    *operation("/reassign/", appointments({"put": "reassign"})),
    *operation("/reschedule/", appointments({"put": "reschedule"})),
    *operation("/<str:id>", appointments({"get": "retrieve", "delete": "destroy"})),
    *operation("/<str:id>/end", appointments({"put": "end"})),
    *operation(
        "/<str:id>/participants/<str:pid>",
        participants({"get": "retrieve", "delete": "remove"}),
    ),
]
