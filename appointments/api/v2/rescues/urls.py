"""The operations of the contract, in its order; fixed words win over ids."""

from django.urls import URLPattern

from appointments.api.v2.rescues.views import RescueViewSet
from config.kernel.openapi import operation

rescues = RescueViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/preview", rescues({"post": "preview"})),
    *operation("/", rescues({"post": "create"})),
    *operation("/<str:id>", rescues({"get": "retrieve"})),
    *operation("/<str:id>/undo", rescues({"post": "undo"})),
]
