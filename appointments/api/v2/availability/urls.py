"""The one operation."""

from django.urls import URLPattern

from appointments.api.v2.availability.views import AvailabilityViewSet
from config.kernel.openapi import operation

urlpatterns: list[URLPattern] = [
    *operation("", AvailabilityViewSet.as_view({"get": "retrieve"})),
]
