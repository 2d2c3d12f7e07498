"""How the API describes its callers and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers


class ErrorResponse(serializers.Serializer[Any]):
    """The body of every refusal."""

    code = serializers.CharField(help_text="A stable name in upper case, for programs.")
    message = serializers.CharField(help_text="A sentence, for people.")
    # The base class has a property of this name.
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Member or parameter → what is wrong with it.",
    )


def refusals(*statuses: int) -> Mapping[int, type[ErrorResponse]]:
    """Give the refusals of an operation: `responses={200: …, **refusals(400, 401)}`."""
    return dict.fromkeys(statuses, ErrorResponse)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry has no types
    """Describes TokenAuthentication."""

    target_class = "agents.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Give the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of /api/token/…, or of the outside issuer of the settings.",
        }
