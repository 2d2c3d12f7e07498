"""What OpenAPI says of the question for free times; the id is that of the contract."""

from __future__ import annotations

from appointments.api.v2.availability import serializers as wire
from appointments.api.v2.schema import Described, query

GET = Described(
    group="Search & Eligibility",
    summary="Free times; or, with explain, why a time is not offered",
    answer=wire.AvailabilityResponse,
    query=[
        query("applicationId", required=True),
        query("from", note="Free times start at it or later; needed without explain."),
        query("to", note="And end by it, at most 62 days after from; needed without explain."),
        query("duration", note="Whole minutes, at most a day. Without it the subject's."),
        query("timezone", note="The clock on whose full hours the grid of starts begins."),
        query("subjectId"),
        query("officeId", note="Only while it is open."),
        query("agentId", many=True),
        query("skill", many=True, note="Ids or names; who has all of them."),
        query("language", note="Two letters: who speaks it with customers."),
        query("explain", note="A start; for those who work here."),
    ],
    refused=(400, 401, 403, 404, 500),
)
