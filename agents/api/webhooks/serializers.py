"""The wire of the webhook subscriptions: what is read, and what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.kernel import limits
from config.kernel.fields import InstantField, StrictBooleanField, TextField, WholeNumberField
from notifications.models import Status, WebhookAuth, WebhookFormat, kinds
from notifications.services.subscriptions import SubscriptionData, SubscriptionState
from notifications.transports.webhooks.delivery import Basic
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.webhook_rules import EVENT_TYPES, Auth

# --- What is read ----------------------------------------------------------------------------


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class HeadersField(serializers.Field[Any, Any, Any, Any]):
    """Names and values; whether they can go out is the service's matter."""

    default_error_messages = {
        "object": "Not an object of strings.",
        "too_many": f"More than {limits.HEADERS_MAX} headers.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(one, str) for one in data.values()):
            self.fail("object")
        if len(data) > limits.HEADERS_MAX:
            self.fail("too_many")
        return data


def _credential(source: str = "", **options: Any) -> TextField:
    named = {"source": source} if source else {}
    return TextField(max_length=limits.CREDENTIAL_LENGTH, required=False, **named, **options)


class AuthenticationRequest(serializers.Serializer[Any]):
    """How requests prove themselves besides the signature; always given as a whole."""

    type = serializers.ChoiceField(choices=WebhookAuth.choices)
    username = _credential(help_text="BASIC")
    password = _credential(help_text="BASIC")
    tokenUrl = _credential("token_url", help_text="OAUTH2")
    clientId = _credential("client_id", help_text="OAUTH2")
    clientSecret = _credential("client_secret", help_text="OAUTH2")
    scope = _credential(help_text="OAUTH2, if its service wants one", allow_blank=True)

    class Meta:
        ref_name = "WebhookAuthenticationRequest"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed: dict[str, dict[str, str]] = {
            WebhookAuth.BASIC: {"username": "username", "password": "password"},
            WebhookAuth.OAUTH2: {
                "tokenUrl": "token_url",
                "clientId": "client_id",
                "clientSecret": "client_secret",
            },
        }
        wanted = needed.get(attrs["type"], {})
        if missing := [name for name, source in wanted.items() if source not in attrs]:
            raise serializers.ValidationError(
                {name: ["This field is required."] for name in missing}
            )
        return attrs


class _SubscriptionRequest(serializers.Serializer[Any]):
    url = TextField(max_length=limits.URL_LENGTH, required=False)
    format = serializers.ChoiceField(choices=WebhookFormat.choices, required=False)
    eventTypes = serializers.ListField(
        child=serializers.ChoiceField(choices=kinds.EVENT_TYPES),
        source="types",
        max_length=len(kinds.EVENT_TYPES),
        required=False,
        help_text="None: all of the format. ROOM and FOLLOW_UP are never sent as webhooks.",
    )
    name = TextField(max_length=limits.NAME_LENGTH, required=False, allow_blank=True)
    headers = HeadersField(required=False)
    secretHeaders = HeadersField(
        source="secret_headers", required=False, help_text="Sent along, and shown to nobody."
    )
    authentication = AuthenticationRequest(source="auth", required=False)
    contact = TextField(
        max_length=limits.EMAIL_LENGTH,
        required=False,
        allow_blank=True,
        help_text="An e-mail address that is told when the receiver is away.",
    )


class UpdateSubscriptionRequest(_SubscriptionRequest):
    """What is left out stays as it is; headers, types and authentication are replaced whole."""

    active = StrictBooleanField(source="is_active", required=False)


class CreateSubscriptionRequest(_SubscriptionRequest):
    applicationId = TextField(source="application_id", max_length=limits.ID_LENGTH)
    url = TextField(max_length=limits.URL_LENGTH)
    format = serializers.ChoiceField(choices=WebhookFormat.choices)


class ReplayRequest(serializers.Serializer[Any]):
    """One of the two."""

    since = InstantField(required=False)
    from_sequence = WholeNumberField(min_value=0, max_value=2**63 - 1, required=False)


def data_of(data: Mapping[str, Any]) -> SubscriptionData:
    """Give what was said of a subscription."""
    given = dict(data)
    if "format" in given:
        given["format"] = WebhookFormat(given["format"])
    if "auth" in given:
        given["auth"] = _auth_of(given["auth"])
    return SubscriptionData(**given)


def _auth_of(given: Mapping[str, str]) -> Auth:
    match WebhookAuth(given["type"]):
        case WebhookAuth.BASIC:
            return Basic(username=given["username"], password=given["password"])
        case WebhookAuth.OAUTH2:
            return ClientCredentials(
                token_url=given["token_url"],
                client_id=given["client_id"],
                client_secret=given["client_secret"],
                scope=given.get("scope", ""),
            )
        case _:
            return WebhookAuth.NONE


# --- What is written -------------------------------------------------------------------------


class AuthenticationResponse(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=WebhookAuth.choices)
    username = serializers.CharField(required=False)
    tokenUrl = serializers.CharField(required=False)
    clientId = serializers.CharField(required=False)
    scope = serializers.CharField(required=False)

    class Meta:
        ref_name = "WebhookAuthentication"


class SubscriptionResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    applicationId = serializers.UUIDField()
    name = serializers.CharField(required=False)
    url = serializers.CharField()
    format = serializers.ChoiceField(choices=WebhookFormat.choices)
    eventTypes = serializers.ListField(child=serializers.ChoiceField(choices=EVENT_TYPES))
    headers = serializers.DictField(child=serializers.CharField(allow_blank=True))
    secretHeaders = serializers.ListField(
        child=serializers.CharField(), help_text="Their names alone."
    )
    authentication = AuthenticationResponse()
    contact = serializers.CharField(required=False)
    active = serializers.BooleanField()
    state = serializers.ChoiceField(choices=SubscriptionState.choices)
    failingSince = serializers.DateTimeField(required=False)
    pausedAt = serializers.DateTimeField(required=False)
    endedReason = serializers.CharField(required=False)
    lastSequence = serializers.IntegerField(help_text="The last number of its feed.")
    createdAt = serializers.DateTimeField()

    class Meta:
        ref_name = "WebhookSubscription"


class NewSubscriptionResponse(SubscriptionResponse):
    secret = serializers.CharField(help_text="whsec_…, shown this once.")

    class Meta:
        ref_name = "NewWebhookSubscription"


class SubscriptionsPaged(serializers.Serializer[Any]):
    content = SubscriptionResponse(many=True)
    pageCount = serializers.IntegerField()
    pageNumber = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    sortField = serializers.CharField()
    sortOrder = serializers.ChoiceField(choices=["asc", "desc"])
    total = serializers.IntegerField()

    class Meta:
        ref_name = "WebhookSubscriptionsPaged"


class EventResponse(serializers.Serializer[Any]):
    sequence = serializers.IntegerField()
    id = serializers.UUIDField(help_text="The webhook-id.")
    type = serializers.ChoiceField(choices=EVENT_TYPES)
    timestamp = serializers.DateTimeField()
    payload = serializers.DictField(
        child=serializers.JSONField(),
        allow_null=True,
        help_text="What it told; null once the persons in it have been forgotten.",
    )
    status = serializers.ChoiceField(choices=Status.choices)

    class Meta:
        ref_name = "WebhookEvent"


class EventsResponse(serializers.Serializer[Any]):
    content = EventResponse(many=True)
    lastSequence = serializers.IntegerField()
    hasMore = serializers.BooleanField()

    class Meta:
        ref_name = "WebhookEvents"


class TestResultResponse(serializers.Serializer[Any]):
    delivered = serializers.BooleanField()
    status = serializers.IntegerField(required=False, help_text="What the receiver answered.")
    reason = serializers.CharField(required=False)
    durationMs = serializers.IntegerField()

    class Meta:
        ref_name = "WebhookTestResult"


class ReplayResponse(serializers.Serializer[Any]):
    count = serializers.IntegerField()

    class Meta:
        ref_name = "WebhookReplay"
