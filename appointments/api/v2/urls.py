"""The operations of the contract, in its order; fixed words win over ids."""

from django.urls import URLPattern

from appointments.api.v2.bookings.views import BookingViewSet
from appointments.api.v2.views import (
    AppointmentViewSet,
    InteractionViewSet,
    NotificationViewSet,
    ParticipantViewSet,
)
from config.kernel.openapi import operation

appointments = AppointmentViewSet.as_view
bookings = BookingViewSet.as_view
participants = ParticipantViewSet.as_view
interaction = InteractionViewSet.as_view
notifications = NotificationViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/", appointments({"get": "list", "post": "schedule", "put": "update"})),
    *operation("/activate/<str:id>", appointments({"post": "activate"})),
    *operation("/basic", appointments({"post": "schedule_as_customer"})),
    *operation("/reassign/", appointments({"put": "reassign"})),
    *operation("/reschedule/", appointments({"put": "reschedule"})),
    *operation("/count", appointments({"get": "count"})),
    *operation("/eligible", appointments({"get": "eligible"})),
    *operation("/overlap/count", appointments({"get": "overlap_count"})),
    *operation("/requests/", bookings({"get": "waiting", "post": "request_time"})),
    *operation("/invites/", bookings({"post": "invite"})),
    *operation("/participants/agents/", participants({"post": "add_agent"})),
    *operation("/participants/customers/", participants({"post": "add_customer"})),
    *operation("/<str:id>", appointments({"get": "retrieve", "delete": "destroy"})),
    *operation(
        "/<str:id>/participants/<str:participantId>",
        participants({"get": "retrieve", "put": "update_state", "delete": "remove"}),
    ),
    *operation("/<str:id>/accept", interaction({"put": "accept"})),
    *operation("/<str:id>/failed", interaction({"put": "failed"})),
    *operation("/<str:id>/interaction", interaction({"get": "retrieve", "put": "update"})),
    *operation("/<str:id>/notifications", notifications({"get": "list"})),
    *operation("/<str:id>/notifications/events", notifications({"get": "events"})),
    *operation(
        "/<str:id>/notifications/<str:notificationId>/retry", notifications({"post": "retry"})
    ),
    *operation("/<str:id>/booking", bookings({"get": "retrieve"})),
    *operation("/<str:id>/accept-request", bookings({"post": "accept"})),
    *operation("/<str:id>/choose-time", bookings({"post": "choose"})),
    *operation("/<str:id>/request-time", bookings({"post": "ask_again"})),
    *operation("/<str:id>/request-alternative", bookings({"post": "ask_for_alternative"})),
    *operation("/<str:id>/complete", bookings({"post": "complete"})),
    *operation("/<str:id>/no-show", bookings({"post": "miss"})),
    *operation("/<str:id>/cancel", bookings({"post": "cancel"})),
    *operation("/<str:id>/reopen", bookings({"post": "reopen"})),
]
