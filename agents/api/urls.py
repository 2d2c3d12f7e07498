"""One line per operation, in the order of the contract."""

from agents.api.views import TokenViewSet
from config.kernel.openapi import operation

urlpatterns = [
    *operation("token/", TokenViewSet.as_view({"post": "obtain"}), name="token"),
    *operation("token/refresh/", TokenViewSet.as_view({"post": "refresh"}), name="token-refresh"),
    *operation("token/client/", TokenViewSet.as_view({"post": "client"}), name="token-client"),
    *operation(
        "token/customer/", TokenViewSet.as_view({"post": "customer"}), name="token-customer"
    ),
]
