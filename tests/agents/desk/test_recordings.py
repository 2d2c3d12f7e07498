"""Recordings: storing what a switch recorded, finding it, and playing it."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.errors_desk import InvalidRecording
from agents.models import Organization, Recording
from agents.models.tenancy import Feature
from agents.services import recordings
from agents.services.recordings import NewMedia
from config.kernel.actors import Actor, Role
from tests.agents.desk.asking import Asker, path_in, refusal
from tests.agents.desk.desk import make_agent, make_house
from tests.make import make_user

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def media_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def asker(house: Organization) -> Asker:
    return Asker(make_user(house, [Role.SUPERVISOR]))


def sound(name: str = "both.mp3", type_: str = "audio/mpeg", *, at: datetime = NOON) -> NewMedia:
    return NewMedia(
        name=name,
        content_type=type_,
        call_uuid="0123456789abcdef",
        started_at=at,
        stopped_at=at + MINUTE,
        file=io.BytesIO(b"sound"),
    )


def record(house: Organization, *, at: datetime = NOON, **fields: Any) -> Recording:
    values: dict[str, Any] = {
        "caller_number": "+49 (30) 12345",
        "dialed_number": "5001",
        "user_name": "Ada@Example.org",
        "stopped_at": at + MINUTE,
        "media": [sound(at=at)],
        **fields,
    }
    return recordings.store_recording(
        **values,
        started_at=at,
        organization_id=house.pk,
        actor=Actor.system(house.pk),
        now=at,
    )


def found(asker: Asker, **query: str) -> list[str]:
    uris = asker.get("/recordings", **query).json()["uris"]
    return [path_in(uri).rpartition("/")[2] for uri in uris]


# --- Reading ------------------------------------------------------------------------------------


@pytest.mark.rule("cc.recordings.list.r7", "cc.recordings.get.r1")
def test_a_recording_is_read_with_its_files(house: Organization, asker: Asker) -> None:
    kept = record(house)

    [listed] = asker.get("/recordings", userName="ada@example.org", fields="*").json()["recordings"]

    root = f"/recordings/{kept.pk}"
    [media] = listed["mediaFiles"]
    assert path_in(listed.pop("uri")) == root
    assert path_in(media.pop("mediaUri")) == f"{root}/play/both.mp3"
    assert listed == {
        "id": str(kept.pk),
        "callerPhoneNumber": "+49 (30) 12345",
        "dialedPhoneNumber": "5001",
        "startTime": "2026-03-29T12:00:00Z",
        "stopTime": "2026-03-29T12:01:00Z",
        "userName": "ada@example.org",
        "mediaFiles": [media],
    }
    assert media == {
        "mediaId": "both.mp3",
        "type": "audio/mpeg",
        "startTime": "2026-03-29T12:00:00Z",
        "stopTime": "2026-03-29T12:01:00Z",
        "callUUID": "0123456789abcdef",
        "duration": "60000",
        "size": "5",
    }
    assert asker.get(root).json()["recording"]["mediaFiles"][0]["size"] == "5"
    assert found(asker, userName="ada@example.org") == [str(kept.pk)]


@pytest.mark.rule("cc.recordings.get.r2", "cc.recordings.media.get.r2")
def test_what_is_not_there_gives_6(house: Organization, asker: Asker) -> None:
    theirs, ours = record(make_house()), record(house)

    answers = [
        asker.get(f"/recordings/{theirs.pk}"),
        asker.get("/recordings/nothing"),
        asker.get(f"/recordings/{theirs.pk}/play/both.mp3"),
        asker.get(f"/recordings/{ours.pk}/play/other.mp3"),
        asker.get(f"/recordings/{ours.pk}/play/..%2Fboth.mp3"),
    ]

    assert {refusal(answer) for answer in answers} == {(404, 6)}


@pytest.mark.rule("cc.recordings.media.get.r1")
def test_every_file_is_played_as_what_it_is(house: Organization, asker: Asker) -> None:
    kept = record(house, media=[sound(), sound("agent.ogg", "audio/ogg")])
    files = asker.get(f"/recordings/{kept.pk}").json()["recording"]["mediaFiles"]

    answers = [asker.get(path_in(one["mediaUri"])) for one in files]

    assert [answer.getvalue() for answer in answers] == [b"sound", b"sound"]
    assert [answer["Content-Type"] for answer in answers] == [one["type"] for one in files]


def test_a_file_that_has_disappeared_gives_6(
    house: Organization, asker: Asker, media_folder: Path
) -> None:
    kept = record(house)
    for path in media_folder.rglob("*"):
        if path.is_file():
            path.unlink()

    assert refusal(asker.get(f"/recordings/{kept.pk}/play/both.mp3")) == (404, 6)


# --- Searching ----------------------------------------------------------------------------------


@pytest.mark.rule("cc.recordings.list.r1")
@pytest.mark.parametrize("query", [{}, {"fields": "*"}, {"limit": "5"}, {"userName": ""}])
def test_a_search_asks_for_something(query: dict[str, str], asker: Asker) -> None:
    answer = asker.get("/recordings", **query)

    assert refusal(answer) == (400, 1)
    assert "startTime" in answer.json()["statusMessage"]


@pytest.mark.rule("cc.recordings.list.r2")
def test_all_filters_have_to_match(house: Organization, asker: Asker) -> None:
    kept = record(house)
    record(house, dialed_number="5002")
    record(make_house())

    assert found(asker, userName="ada@example.org", dialedPhoneNumber="5001") == [str(kept.pk)]
    assert found(asker, userName="grace@example.org", dialedPhoneNumber="5001") == []


@pytest.mark.rule("cc.recordings.list.r3")
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"startTime": "2026-03-29T12:00:00Z"}, 1),
        ({"startTime": "2026-03-29T14:00:00+02:00"}, 1),
        ({"startTime": "2026-03-29T12:00:01Z"}, 0),
        ({"startTime": "1774785600000"}, 1),
        ({"startTime": "1774785600001"}, 0),
        ({"endTime": "2026-03-29T12:00:00Z"}, 0),
        ({"endTime": "1774785600001"}, 1),
    ],
)
def test_times_keep_what_starts_between_them(
    query: dict[str, str], count: int, house: Organization, asker: Asker
) -> None:
    record(house)

    assert len(found(asker, **query)) == count


@pytest.mark.rule("cc.recordings.list.r3", "cc.recordings.list.r5")
@pytest.mark.parametrize(
    "query",
    [
        {"startTime": "yesterday"},
        {"endTime": "9" * 30},
        {"offset": "-1"},
        {"limit": "ten"},
        {"limit": "1.5"},
    ],
)
def test_what_is_no_time_and_no_number_gives_2(query: dict[str, str], asker: Asker) -> None:
    assert refusal(asker.get("/recordings", **{"userName": "x", **query})) == (400, 2)


@pytest.mark.rule("cc.recordings.list.r4")
@pytest.mark.parametrize(
    ("number", "count"),
    [
        ("493012345", 1),
        ("+49-30-12345", 1),
        ("49*", 1),
        ("*345", 1),
        ("4*12*5", 1),
        ("*", 1),
        ("**", 1),
        ("49301234", 0),
        ("49301234_", 0),
        ("%", 0),
        ("", 0),
    ],
)
def test_numbers_are_compared_by_letters_digits_and_wildcards(
    number: str, count: int, house: Organization, asker: Asker
) -> None:
    record(house)

    assert len(found(asker, userName="ada@example.org", callerPhoneNumber=number)) == (
        count if number else 1
    )


@pytest.mark.rule("cc.recordings.list.r4")
def test_letters_of_numbers_are_compared_by_their_case(house: Organization, asker: Asker) -> None:
    record(house, dialed_number="sip:Ada")

    assert len(found(asker, dialedPhoneNumber="sipAda")) == 1
    assert found(asker, dialedPhoneNumber="sipada") == []


@pytest.mark.rule("cc.recordings.list.r5", "cc.recordings.list.r6")
def test_pages_follow_each_other_newest_first(house: Organization, asker: Asker) -> None:
    kept = [str(record(house, at=NOON - each * MINUTE).pk) for each in (0, 1, 1, 2)]

    pages = [found(asker, userName="ada@example.org", offset=str(at), limit="2") for at in (0, 2)]

    assert pages[0][0] == kept[0]
    assert pages[1][1] == kept[3]
    assert sorted(pages[0] + pages[1]) == sorted(kept)


@pytest.mark.rule("cc.recordings.list.r5")
def test_a_page_has_a_hundred_at_most(house: Organization, asker: Asker) -> None:
    for each in range(101):
        record(house, at=NOON + each * MINUTE, media=[])

    assert len(found(asker, userName="ada@example.org", limit="1000")) == 100
    assert len(found(asker, userName="ada@example.org")) == 100


@pytest.mark.rule("cc.recordings.list.r8")
def test_recordings_are_for_leaders_of_a_contact_center_that_has_them(
    house: Organization,
) -> None:
    without = Asker(make_user(make_house(Feature.VOICE), [Role.SUPERVISOR]))

    assert refusal(without.get("/recordings", userName="x")) == (404, 6)
    assert refusal(Asker(make_agent(house)).get("/recordings", userName="x")) == (403, 5)


def test_a_list_asks_as_often_for_three_as_for_one(
    house: Organization, asker: Asker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record(house)
    asker.get("/me")
    with django_assert_num_queries(3):
        asker.get("/recordings", userName="ada@example.org", fields="*")

    for each in (1, 2):
        record(house, at=NOON + each * MINUTE)

    with django_assert_num_queries(3):
        asker.get("/recordings", userName="ada@example.org", fields="*")


# --- Storing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media",
    [
        [sound("../up.mp3")],
        [sound(".hidden")],
        [sound(""), sound()],
        [sound(), sound()],
        [sound("page.html", "text/html")],
        [sound("x.mp3", "audio/mpeg; charset=x")],
    ],
)
def test_a_file_has_a_plain_name_of_its_own_and_is_sound_or_video(
    media: list[NewMedia], house: Organization, media_folder: Path
) -> None:
    with pytest.raises(InvalidRecording):
        record(house, media=media)

    assert not Recording.objects.exists()
    assert not [path for path in media_folder.rglob("*") if path.is_file()]


def test_files_of_a_recording_that_could_not_be_kept_are_gone(
    house: Organization, media_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(recordings, "record_next", broken)

    with pytest.raises(RuntimeError):
        record(house)

    assert not Recording.objects.exists()
    assert not [path for path in media_folder.rglob("*") if path.is_file()]
