"""The operations of the contract, in its order."""

from django.urls import URLPattern

from agents.api.webhooks.views import SubscriptionViewSet
from config.kernel.openapi import operation

subscriptions = SubscriptionViewSet.as_view

urlpatterns: list[URLPattern] = [
    *operation("/", subscriptions({"get": "list", "post": "create"})),
    *operation(
        "/<str:id>",
        subscriptions({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    *operation("/<str:id>/secret", subscriptions({"post": "renew_secret"})),
    *operation("/<str:id>/test", subscriptions({"post": "send_test"})),
    *operation("/<str:id>/events", subscriptions({"get": "events"})),
    *operation("/<str:id>/replay", subscriptions({"post": "replay"})),
]
