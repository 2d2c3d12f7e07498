from __future__ import annotations

import json
import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import psycopg
import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import path
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework import exceptions as api
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.kernel.errors import DomainError, Kind
from config.kernel.exceptions import (
    STATUSES,
    csrf_failure,
    flatten,
    handler400,
    handler403,
    handler404,
    handler500,
    refusal_of,
)
from config.kernel.json import JSONOnly, JSONRenderer, StrictJSONParser, body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings
    from rest_framework.request import Request

__all__ = ["handler400", "handler403", "handler404", "handler500"]

INTERNAL = {
    "code": "INTERNAL_ERROR",
    "message": "Something went wrong on our side.",
    "errors": {},
}
UNAVAILABLE = {
    "code": "UNAVAILABLE",
    "message": "The service is busy: try again in a moment.",
    "errors": {},
}


class RoomTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Room {room} is taken."


class TooEager(DomainError):
    kind: ClassVar[Kind] = "too_many"
    message = "Slow down."


class NotProven(DomainError):
    kind: ClassVar[Kind] = "unauthenticated"
    message = "Who are you?"


class Contact(serializers.Serializer[Any]):
    primaryEmail = serializers.EmailField()  # noqa: N815  # the wire


class Customer(serializers.Serializer[Any]):
    contact = Contact()
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)


class Booking(serializers.Serializer[Any]):
    customers = Customer(many=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        raise serializers.ValidationError("The room is closed.")


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def fail_with(state: str) -> None:
    sql(f"DO $$ BEGIN RAISE EXCEPTION 'x anna@customer.example' USING ERRCODE = '{state}'; END $$")


def raised(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


SQL_STATES = (
    *("55P03", "57014", "40001", "40P01", "57P01", "08006", "53300"),
    *("23P01", "23505", "23503", "22003", "23514", "42P01"),
)

# What a request asks for by name, and what happens then.
EVENTS: dict[str, Callable[[], None]] = {
    "taken": raised(RoomTaken(room=7, errors={"room": ["It is taken."]})),
    "eager": raised(TooEager(retry_after=timedelta(seconds=1.2))),
    "unproven": raised(NotProven(challenge='Basic realm="desk"')),
    "bug": raised(ZeroDivisionError("anna@customer.example")),
    "missing": raised(Http404("secret reason")),
    "denied": raised(PermissionDenied("secret reason")),
    "unauthenticated": raised(api.NotAuthenticated()),
    "throttled": raised(api.Throttled(wait=2.5)),
    "suspicious": raised(SuspiciousOperation("secret reason")),
    "too-big": raised(RequestDataTooBig()),
    "model": raised(ModelValidationError({"title": ["It is too long."], "__all__": ["No."]})),
    "redis": raised(RedisConnectionError("127.0.0.1:6379")),
    "no-server": raised(psycopg.OperationalError("connection refused")),
    **{state: partial(fail_with, state) for state in SQL_STATES},
}


class EventView(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = JSONOnly

    def get(self, request: Request, event: str) -> Response:
        EVENTS[event]()
        return Response({})

    def post(self, request: Request, event: str) -> Response:
        Booking(data=body_of(request)).is_valid(raise_exception=True)
        return Response({})


class BrokenView(EventView):
    def get(self, request: Request, event: str) -> Response:
        return Response({"what": object()})


def page(request: HttpRequest, event: str) -> HttpResponse:
    EVENTS[event]()
    return HttpResponse("fine")


def failing_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if event := request.headers.get("X-Fails-With"):
            EVENTS[event]()
        return get_response(request)

    return middleware


urlpatterns = [
    path("api/events/<str:event>", EventView.as_view()),
    path("api/plain/<str:event>", page),
    path("api/broken/<str:event>", BrokenView.as_view()),
    path("rest/plain/<str:event>", page),
    path("pages/<str:event>", page),
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.MIDDLEWARE = [
        "config.kernel.correlation.CorrelationMiddleware",
        f"{__name__}.failing_middleware",
        "django.middleware.common.CommonMiddleware",
        "config.kernel.exceptions.ApiErrorsMiddleware",
    ]
    return Client(raise_request_exception=False)


def test_a_refusal_is_told_with_its_code_message_and_errors(client: Client) -> None:
    response = client.get("/api/events/taken")

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "code": "ROOM_TAKEN",
        "message": "Room 7 is taken.",
        "errors": {"room": ["It is taken."]},
    }


def test_every_kind_of_refusal_has_a_status() -> None:
    assert set(STATUSES) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("event", "status", "code", "header"),
    [
        ("eager", 429, "TOO_EAGER", ("Retry-After", "2")),
        ("unproven", 401, "NOT_PROVEN", ("WWW-Authenticate", 'Basic realm="desk"')),
        ("unauthenticated", 401, "UNAUTHENTICATED", ("WWW-Authenticate", "Bearer")),
        ("throttled", 429, "TOO_MANY_REQUESTS", ("Retry-After", "3")),
        ("redis", 503, "UNAVAILABLE", ("Retry-After", "1")),
    ],
)
def test_what_the_client_can_do_is_in_a_header(
    client: Client, event: str, status: int, code: str, header: tuple[str, str]
) -> None:
    response = client.get(f"/api/events/{event}")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers[header[0]] == header[1]


@pytest.mark.parametrize("place", ["/api/events", "/api/plain", "/rest/plain"])
@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        ("missing", 404, "NOT_FOUND"),
        ("denied", 403, "FORBIDDEN"),
        ("suspicious", 400, "INVALID_REQUEST"),
        ("too-big", 413, "BODY_TOO_LARGE"),
        ("23P01", 409, "CONFLICT"),
        ("23505", 409, "CONFLICT"),
        ("23503", 409, "CONFLICT"),
        ("22003", 400, "INVALID_REQUEST"),
    ],
)
def test_other_refusals_are_told_without_their_reasons(
    client: Client, place: str, event: str, status: int, code: str
) -> None:
    response = client.get(f"{place}/{event}")

    assert response.status_code == status
    assert response.json() == {
        "code": code,
        "message": response.json()["message"],
        "errors": {},
    }
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize("place", ["/api/events", "/api/plain"])
@pytest.mark.parametrize(
    "event",
    ["55P03", "57014", "40001", "40P01", "57P01", "08006", "53300", "no-server", "redis"],
)
def test_a_server_that_is_away_or_busy_is_503(client: Client, place: str, event: str) -> None:
    response = client.get(f"{place}/{event}")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json() == UNAVAILABLE


def test_a_server_that_is_away_before_the_view_is_503_too(client: Client) -> None:
    response = client.get("/api/events/taken", headers={"X-Fails-With": "no-server"})

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json() == UNAVAILABLE


@pytest.mark.parametrize("place", ["/api/events", "/api/plain", "/api/broken"])
@pytest.mark.parametrize("event", ["bug", "23514", "42P01"])
def test_a_bug_is_500_without_internals(client: Client, place: str, event: str) -> None:
    response = client.get(f"{place}/{event}")

    assert response.status_code == 500
    assert response.json() == INTERNAL


def test_a_bug_is_logged_and_a_refusal_is_not(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/api/events/taken")
    client.get("/api/events/bug")

    records = [record for record in caplog.records if record.name.startswith("config.")]
    assert [record.getMessage() for record in records] == ["EventView failed."]
    assert records[0].levelno == logging.ERROR
    assert records[0].exc_info


def test_tests_hear_of_a_bug() -> None:
    with pytest.raises(ZeroDivisionError):
        Client().get("/api/events/bug")


def test_errors_of_a_body_are_told_by_path(client: Client) -> None:
    body = {
        "customers": [
            {"contact": {"primaryEmail": "anna@customer.example"}},
            {"contact": {"primaryEmail": "x"}, "tags": [1, "two"]},
            {},
        ]
    }

    response = client.post("/api/events/x", json.dumps(body), content_type="application/json")

    assert response.status_code == 400
    assert response.json() == {
        "code": "INVALID_REQUEST",
        "message": "The request is not valid.",
        "errors": {
            "customers.1.contact.primaryEmail": ["Enter a valid email address."],
            "customers.1.tags.1": ["A valid integer is required."],
            "customers.2.contact": ["This field is required."],
        },
    }


def test_what_belongs_to_no_field_is_said_of_the_request(client: Client) -> None:
    response = client.post("/api/events/x", '{"customers": []}', content_type="application/json")

    assert response.json()["errors"] == {"request": ["The room is closed."]}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "MALFORMED_JSON"),
        ("", "application/json", 400, "MISSING_BODY"),
        ("[]", "application/json", 400, "INVALID_REQUEST"),
        ("a=b", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ('"' + "a" * 1024 * 1024 + '"', "application/json", 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: Client, body: str, content_type: str, status: int, code: str
) -> None:
    response = client.post("/api/events/x", body, content_type=content_type)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_method_that_is_not_served_is_405_and_names_the_others(client: Client) -> None:
    response = client.delete("/api/events/x")

    assert response.status_code == 405
    assert response.json() == {
        "code": "METHOD_NOT_ALLOWED",
        "message": "The method is not allowed here.",
        "errors": {},
    }
    assert response.headers["Allow"].startswith("GET, POST")


def test_errors_of_a_model_are_told_by_field() -> None:
    refusal = refusal_of(ModelValidationError({"title": ["Too long."], "__all__": ["No."]}))

    assert refusal is not None
    assert refusal.errors == {"title": ["Too long."], "request": ["No."]}
    assert refusal_of(ModelValidationError("No.")).errors == {"request": ["No."]}  # type: ignore[union-attr]  # it would fail


@pytest.mark.parametrize(
    ("detail", "errors"),
    [
        ("No.", {"request": ["No."]}),
        (["No.", "Never."], {"request": ["No.", "Never."]}),
        ([{}, {"a": ["No."]}], {"1.a": ["No."]}),
        ({"a": {"non_field_errors": ["No."], "b": ["No."]}}, {"a": ["No."], "a.b": ["No."]}),
        ({"a": {0: ["No."]}}, {"a.0": ["No."]}),
        ({}, {}),
    ],
)
def test_nested_errors_become_paths(detail: object, errors: dict[str, list[str]]) -> None:
    assert flatten(detail) == errors


@pytest.mark.parametrize("address", ["/api/nowhere", "/rest/nowhere", "/api/", "/rest/v1/%ff"])
def test_an_unknown_path_of_an_api_is_told_in_json(client: Client, address: str) -> None:
    response = client.post(address, "{", content_type="application/json")

    assert response.status_code == 404
    assert response.json() == {
        "code": "NOT_FOUND",
        "message": "There is nothing here.",
        "errors": {},
    }


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere", 404, "There is nothing here."),
        ("/pages/denied", 403, "This is not permitted."),
        ("/pages/taken", 409, "Room 7 is taken."),
        ("/pages/suspicious", 400, "The request is not valid."),
        ("/pages/no-server", 503, "The service is busy: try again in a moment."),
        ("/pages/bug", 500, "Something went wrong on our side."),
    ],
)
def test_elsewhere_a_page_says_what_is_wrong(
    client: Client, address: str, status: int, words: str
) -> None:
    response = client.get(address)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"<h1>{words}</h1>" in response.content.decode()


def test_a_foreign_host_name_is_refused_in_json(client: Client) -> None:
    response = client.get("/api/events/x", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert response.json()["code"] == "INVALID_REQUEST"


def test_a_form_from_elsewhere_is_refused_with_a_page() -> None:
    request = HttpRequest()
    request.path = "/login"

    response = csrf_failure(request, "no cookie")

    assert response.status_code == 403
    assert b"<h1>This is not permitted.</h1>" in response.content
