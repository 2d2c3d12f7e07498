"""The wire of the token operations."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.kernel import limits


class TokenRequest(serializers.Serializer[Any]):
    username = serializers.CharField(
        max_length=limits.USERNAME_LENGTH, help_text="An e-mail address."
    )
    password = serializers.CharField(
        max_length=limits.PASSWORD_LENGTH, trim_whitespace=False, help_text="As it is."
    )


class RefreshRequest(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=limits.TOKEN_BYTES)


class ClientTokenRequest(serializers.Serializer[Any]):
    client_id = serializers.CharField(max_length=limits.ID_LENGTH)
    client_secret = serializers.CharField(max_length=limits.ID_LENGTH)


class CustomerTokenRequest(serializers.Serializer[Any]):
    ticket = serializers.CharField(
        max_length=limits.ID_LENGTH, help_text="The last part of an access URL."
    )


class TokenPairResponse(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class AccessTokenResponse(serializers.Serializer[Any]):
    access = serializers.CharField()
