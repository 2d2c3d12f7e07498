"""The way of the public samples: log in over REST, listen over CometD, act over REST."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.agents.cometd.serving import Client, basic, serving
from tests.agents.desk.desk import make_agent, make_device, make_login, make_place

if TYPE_CHECKING:
    import redis as redis_client


@pytest.mark.rule(
    "cc.cometd.clients.r9", "cc.cometd.topics.r2", "cc.cometd.topics.r7", "cc.cometd.topics.r8"
)
def test_a_desktop_hears_of_what_it_does_itself(
    redis: redis_client.Redis, transactional_db: None
) -> None:
    agent = make_agent()
    make_login(agent)
    device = make_device(house=agent.organization)
    make_place(device, name="Desk 7")
    session = {"operationName": "StartContactCenterSession", "place": "Desk 7"}
    with serving(with_django=True) as served:
        me = Client(served.port, basic(agent.username)).request(
            None, method="GET", path="/api/v2/me"
        )
        (cookie,) = [one for one in me.cookies if one.startswith("JSESSIONID")]
        desktop = Client(served.port, headers={"Cookie": cookie.partition(";")[0]})
        desktop.ready("/v2/me/*")

        with desktop.polling() as held:
            started = desktop.request(
                json.dumps({**session, "channels": ["voice"]}), path="/api/v2/me"
            )
            assert started.json == {"statusCode": 0}
            event, _ = held.result(5)

    assert started.json == {"statusCode": 0}
    assert event["channel"] == "/v2/me/devices"
    assert event["data"]["messageType"] == "DeviceStateChangeMessage"
    (told,) = event["data"]["devices"]
    assert told["id"] == str(device.pk)
    assert told["userState"]["state"] == "NotReady"


@pytest.mark.rule("cc.me.EndContactCenterSession.r7")
def test_the_end_of_the_session_is_the_end_of_its_polls(
    redis: redis_client.Redis, transactional_db: None
) -> None:
    agent = make_agent()
    with serving(with_django=True) as served:
        password = basic(agent.username)
        me = Client(served.port, password).request(None, method="GET", path="/api/v2/me")
        (cookie,) = [one for one in me.cookies if one.startswith("JSESSIONID")]
        cookie = cookie.partition(";")[0]
        desktop = Client(served.port, headers={"Cookie": cookie})
        desktop.ready("/v2/me/*")
        elsewhere = Client(served.port, password)
        elsewhere.ready("/v2/me/*")

        with desktop.polling() as held:
            ended = desktop.request(
                json.dumps({"operationName": "EndContactCenterSession"}), path="/api/v2/me"
            )
            assert ended.json == {"statusCode": 0}
            (told,) = held.result(5)
        (later,) = desktop.connect()
        (other,) = elsewhere.connect(advice={"timeout": 0})

    assert (told["successful"], told["advice"]["reconnect"]) == (True, "none")
    assert (later["successful"], other["successful"]) == (False, True)
    assert later["error"].startswith("402:")
