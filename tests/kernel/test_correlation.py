from uuid import UUID

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.kernel.correlation import CorrelationMiddleware, correlation, current_correlation_id


def answer(**headers: str) -> HttpResponse:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(current_correlation_id())

    request = RequestFactory().get("/", headers=headers)
    response = CorrelationMiddleware(view)(request)
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize("text", ["a", "Order_4711.b-2", "x" * 100])
def test_the_callers_id_holds_while_the_request_runs_and_is_sent_back(text: str) -> None:
    response = answer(**{"X-Correlation-Id": text})

    assert response.content.decode() == text
    assert response.headers["X-Correlation-Id"] == text


@pytest.mark.parametrize("text", ["", "x" * 101, "a b", "a\r\nSet-Cookie: b", "ä", "<b>", "a\n"])
def test_an_id_that_cannot_be_used_is_replaced_by_a_new_one(text: str) -> None:
    response = answer(**{"X-Correlation-Id": text})

    assert str(UUID(response.headers["X-Correlation-Id"])) == response.content.decode()


def test_after_the_request_there_is_no_id() -> None:
    answer()

    assert current_correlation_id() == ""


def test_a_task_runs_under_the_id_that_it_was_given() -> None:
    with correlation("outer"):
        with correlation("inner") as correlation_id:
            assert current_correlation_id() == correlation_id == "inner"
        assert current_correlation_id() == "outer"
