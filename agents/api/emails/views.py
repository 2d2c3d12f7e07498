"""The checks of an application's e-mail service: each reads, calls one service, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from agents.api.emails.serializers import (
    EmailNotificationRequest,
    EmailServiceVerificationRequest,
    ServiceConfirmationRequest,
)
from agents.api.openapi import refusals
from agents.services import email_checks
from config.kernel.actors import Role

if TYPE_CHECKING:
    from rest_framework.request import Request

_ANSWERS = {status.HTTP_204_NO_CONTENT: None, **refusals(400, 401, 403, 404, 429, 500)}


class EmailCheckViewSet(SurfaceViewSet):
    surface = "api/v1"
    roles: ClassVar[Roles] = {
        "verify": (Role.ADMIN,),
        "confirm": (Role.ADMIN,),
        "try_out": (Role.ADMIN,),
    }
    # With the answer, a transaction around it would take back what was counted of wrong codes.
    not_repeatable = frozenset({"verify", "confirm", "try_out"})

    @extend_schema(
        operation_id="v1.notifications.emails.verify",
        summary="Mails a code by which the e-mail service is verified",
        tags=["E-mail service"],
        request=EmailServiceVerificationRequest,
        responses=_ANSWERS,
    )
    def verify(self, request: Request) -> Response:
        """Mail a six-digit code through the service; an earlier code is void."""
        data = parse(EmailServiceVerificationRequest, request)
        email_checks.ask_for_verification(
            data["applicationId"], address=data["toEmail"], actor=self.actor, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="v1.notifications.emails.confirm",
        summary="Confirms the e-mail service with the code that was mailed",
        tags=["E-mail service"],
        request=ServiceConfirmationRequest,
        responses=_ANSWERS,
    )
    def confirm(self, request: Request) -> Response:
        """Confirm. 400: the code is wrong; 404: no code is outstanding, or no longer."""
        data = parse(ServiceConfirmationRequest, request)
        email_checks.confirm_verification(
            data["applicationId"], code=data["code"], actor=self.actor, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="v1.notifications.emails.test",
        summary="Sends a test mail from the given texts",
        tags=["E-mail service"],
        request=EmailNotificationRequest,
        responses=_ANSWERS,
    )
    def try_out(self, request: Request) -> Response:
        """Send one mail; no appointment and no history comes of it."""
        data = parse(EmailNotificationRequest, request)
        email_checks.send_test_mail(
            data["applicationId"],
            email_checks.TestMail(
                address=data["toEmail"],
                subject=data["subject"],
                text=data.get("textBody", ""),
                html=data.get("htmlBody", ""),
                type=data.get("type"),
                locale=data.get("locale"),
                zone=data.get("timezone"),
                period=data.get("period"),
            ),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
