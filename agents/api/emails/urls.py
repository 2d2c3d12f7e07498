"""The operations of the contract, in its order."""

from django.urls import URLPattern

from agents.api.emails.views import EmailCheckViewSet
from config.kernel.openapi import operation

checks = EmailCheckViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/verify", checks({"post": "verify"})),
    *operation("/confirm", checks({"post": "confirm"})),
    *operation("/test", checks({"post": "try_out"})),
]
