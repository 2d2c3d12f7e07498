import pytest
from django.http import QueryDict

from config.kernel import limits
from config.kernel.pagination import (
    InvalidParameter,
    PageRequest,
    envelope,
    multi_values,
    parse_page,
)

FIELDS = {"start": "start", "title": "title", "name": "title"}


def page_of(query: str) -> PageRequest:
    return parse_page(QueryDict(query), sort_fields=FIELDS, default_field="start")


def test_without_parameters_the_first_page_of_25_is_wanted() -> None:
    assert page_of("") == PageRequest(number=1, size=25, sort_field="start", sort_order="asc")


def test_parameters_are_read_with_and_without_quotes() -> None:
    wanted = PageRequest(number=3, size=10, sort_field="title", sort_order="desc")

    assert page_of("pageNumber=3&pageSize=10&sortField=title&sortOrder=desc") == wanted
    assert page_of('pageNumber="3"&pageSize="10"&sortField="title"&sortOrder="desc"') == wanted


def test_an_alias_is_read_as_its_field() -> None:
    assert page_of("sortField=name").sort_field == "title"


def test_a_page_knows_what_stands_before_it() -> None:
    page = page_of("pageNumber=3&pageSize=10&sortOrder=desc")

    assert page.offset == 20
    assert page.is_descending


@pytest.mark.parametrize("size", ["1", str(limits.PAGE_SIZE_MAX)])
def test_the_smallest_and_the_greatest_page_are_given(size: str) -> None:
    assert page_of(f"pageSize={size}").size == int(size)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.0", "+1", "1e2", "", " 1", "١", "²", "1_0", "x", "9" * 5_000, "1001"]
)
def test_what_is_no_whole_number_in_its_bounds_is_no_page_size(text: str) -> None:
    params = QueryDict(mutable=True)
    params["pageSize"] = text

    with pytest.raises(InvalidParameter) as refusal:
        parse_page(params, sort_fields=FIELDS, default_field="start")

    assert refusal.value.errors == {"pageSize": ["It is a whole number from 1 to 1000."]}


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        page_of("pageNumber=9223372036854775808&pageSize=0&sortField=id;drop&sortOrder=DESC")

    assert refusal.value.code == "INVALID_PARAMETER"
    assert refusal.value.errors == {
        "pageNumber": ["It is a whole number from 1 to 9223372036854775807."],
        "pageSize": ["It is a whole number from 1 to 1000."],
        "sortField": ["It is one of start, title, name."],
        "sortOrder": ["It is asc or desc."],
    }


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", []),
        ("a=", []),
        ("a=,,%20,", []),
        ("a=x", ["x"]),
        ("a=x,y", ["x", "y"]),
        ("a=x&a=y", ["x", "y"]),
        ("a=x,y&a=z&b=w", ["x", "y", "z"]),
        ("a=x,%20y%20,", ["x", "y"]),
        ('a="x"', ["x"]),
        ('a="x,y"', ["x", "y"]),
        ('a="x","y"', ["x", "y"]),
        ('a="x"&a="y"', ["x", "y"]),
    ],
)
def test_values_with_commas_and_repeated_values_are_the_same(query: str, values: list[str]) -> None:
    assert multi_values(QueryDict(query), "a") == values


def test_too_many_values_are_refused() -> None:
    most = ",".join(["x"] * limits.QUERY_VALUES_MAX)

    assert len(multi_values(QueryDict(f"a={most}"), "a")) == limits.QUERY_VALUES_MAX
    with pytest.raises(InvalidParameter) as refusal:
        multi_values(QueryDict(f"a={most}&a=x"), "a")
    assert refusal.value.errors == {"a": ["It takes at most 100 values."]}


def test_a_value_that_postgresql_cannot_hold_is_refused() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        multi_values(QueryDict("a=x%00"), "a")

    assert refusal.value.errors == {"a": ["It holds a NUL character."]}


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2)])
def test_the_envelope_counts_pages_and_echoes_what_is_in_force(total: int, pages: int) -> None:
    page = PageRequest(number=2, size=10, sort_field="start", sort_order="asc")

    assert envelope(["row"], total, page) == {
        "content": ["row"],
        "pageCount": pages,
        "pageNumber": 2,
        "pageSize": 10,
        "sortField": "start",
        "sortOrder": "asc",
        "total": total,
    }
