"""What goes along with a page, and what with an answer of an API."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import make

PAGE_HEADERS = ("Content-Security-Policy", "X-Frame-Options")


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/api/schema/swagger/"])
def test_a_page_says_what_a_browser_may_do_with_it(db: None, path: str) -> None:
    response = Client().get(path)

    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_an_api_neither_reads_nor_sets_a_session(db: None) -> None:
    user = make.make_user()
    browser = Client()
    browser.force_login(user)

    response = browser.get("/api/v2/appointments/")

    assert response.status_code == 401
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies
    assert not [name for name in PAGE_HEADERS if name in response.headers]
