"""The operations of the contract, in its order."""

from django.urls import URLPattern

from appointments.api.cal.views import EventViewSet, FeedViewSet
from config.kernel.openapi import operation

events = EventViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/events/google/<str:id>/event", events({"get": "google"})),
    *operation("/events/ical/<str:id>/event", events({"get": "ical"})),
    *operation("/events/office365/<str:id>/event", events({"get": "office365"})),
    *operation(
        "/feeds/<str:secret>.ics", FeedViewSet.as_view({"get": "retrieve"}), name="calendar-feed"
    ),
]
