from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import include, path, resolve, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from config.kernel.json import JSONRenderer
from config.kernel.openapi import operation


class Things(ViewSet):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)

    @extend_schema(operation_id="v2.things.list", responses={200: None})
    def list(self, request: Request) -> Response:
        return Response({"is": "list"})

    @extend_schema(operation_id="v2.things.create", request=None, responses={200: None})
    def create(self, request: Request) -> Response:
        return Response({"is": "create"})

    @extend_schema(operation_id="v2.things.activate", request=None, responses={200: None})
    def activate(self, request: Request, id: str) -> Response:
        return Response({"is": f"activate {id}"})


class Other(APIView):
    authentication_classes = ()
    permission_classes = ()


things = [
    *operation("/", Things.as_view({"get": "list", "post": "create"}), name="things"),
    *operation("/activate/<str:id>", Things.as_view({"put": "activate"}), name="activate"),
]
urlpatterns = [
    path("api/v2/things", include(things)),
    path("api/other", Other.as_view()),
    *operation("pages/things", Things.as_view({"get": "list"})),
]

pytestmark = pytest.mark.urls(__name__)


@pytest.mark.parametrize("address", ["/api/v2/things/", "/api/v2/things"])
def test_both_forms_of_a_path_are_served_without_a_redirect(address: str) -> None:
    assert Client().get(address).json() == {"is": "list"}
    assert Client().post(address, "{}", content_type="application/json").json() == {"is": "create"}


@pytest.mark.parametrize("address", ["/api/v2/things/activate/a-1", "/api/v2/things/activate/a-1/"])
def test_path_parameters_are_read_in_both_forms(address: str) -> None:
    assert Client().put(address).json() == {"is": "activate a-1"}


def test_no_form_is_checked_for_forged_requests() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/api/v2/things").status_code == 200
    assert strict.post("/api/v2/things/").status_code == 200


def test_the_name_leads_to_the_documented_form() -> None:
    assert reverse("things") == "/api/v2/things/"
    assert reverse("activate", args=["x"]) == "/api/v2/things/activate/x"


@pytest.mark.parametrize("address", ["/api/v2/things/", "/api/v2/things"])
def test_a_route_still_shows_its_view(address: str) -> None:
    view: Any = resolve(address).func

    assert view.cls is Things
    assert (view.actions["get"], view.actions["post"]) == ("list", "create")


def test_the_schema_has_each_documented_path_once() -> None:
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # not typed

    operations = {
        (address, method): entry["operationId"]
        for address, entries in schema["paths"].items()
        for method, entry in entries.items()
    }
    assert operations == {
        ("/api/v2/things/", "get"): "v2.things.list",
        ("/api/v2/things/", "post"): "v2.things.create",
        ("/api/v2/things/activate/{id}", "put"): "v2.things.activate",
    }
