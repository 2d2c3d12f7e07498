"""Tokens: what people, services and customers get them for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from agents.api.openapi import refusals
from agents.api.serializers import (
    AccessTokenResponse,
    ClientTokenRequest,
    CustomerTokenRequest,
    RefreshRequest,
    TokenPairResponse,
    TokenRequest,
)
from agents.services import login
from config.kernel.throttling import client_address

if TYPE_CHECKING:
    from rest_framework.request import Request


class TokenViewSet(SurfaceViewSet):
    """Open to anybody, with answers that are kept nowhere."""

    roles: ClassVar[Roles] = {"obtain": None, "refresh": None, "client": None, "customer": None}

    @extend_schema(
        operation_id="frontdesk.token.obtain",
        summary="A token for a user, against user name and password",
        tags=["Tokens"],
        request=TokenRequest,
        responses={200: TokenPairResponse, **refusals(400, 401, 403, 429, 500)},
    )
    def obtain(self, request: Request) -> Response:
        """Exchange user name and password. 403: the password has to be changed first."""
        command = parse(TokenRequest, request)
        pair = login.log_in(
            command["username"],
            command["password"],
            address=client_address(request),
            now=timezone.now(),
        )
        return Response({"access": pair.access, "refresh": pair.refresh})

    @extend_schema(
        operation_id="frontdesk.token.refresh",
        summary="A new access token, against a refresh token",
        tags=["Tokens"],
        request=RefreshRequest,
        responses={200: AccessTokenResponse, **refusals(400, 401, 429, 500)},
    )
    def refresh(self, request: Request) -> Response:
        """Exchange a refresh token; the new token carries the roles that the user has now."""
        command = parse(RefreshRequest, request)
        return Response({"access": login.refresh(command["refresh"])})

    @extend_schema(
        operation_id="frontdesk.token.client",
        summary="A token for a service, against client id and secret",
        tags=["Tokens"],
        request=ClientTokenRequest,
        responses={200: AccessTokenResponse, **refusals(400, 401, 429, 500)},
    )
    def client(self, request: Request) -> Response:
        """Exchange client id and secret."""
        command = parse(ClientTokenRequest, request)
        access = login.log_in_client(
            command["client_id"],
            command["client_secret"],
            address=client_address(request),
            now=timezone.now(),
        )
        return Response({"access": access})

    @extend_schema(
        operation_id="frontdesk.token.customer",
        summary="A token for a customer, against the ticket of an appointment",
        tags=["Tokens"],
        request=CustomerTokenRequest,
        responses={200: AccessTokenResponse, **refusals(400, 401, 429, 500)},
    )
    def customer(self, request: Request) -> Response:
        """Exchange a ticket; the token does not outlive it."""
        command = parse(CustomerTokenRequest, request)
        access = login.log_in_customer(
            command["ticket"], address=client_address(request), now=timezone.now()
        )
        return Response({"access": access})
