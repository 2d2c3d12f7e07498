"""Calls, below /api/v2/."""

from agents.api.desk.base import served
from agents.api.desk.views_calls import CallsOfDeviceView, MyCallsView, MyCallView

urlpatterns = [
    *served("me/calls", MyCallsView),
    *served("me/calls/<str:number>", MyCallView),
    *served("me/call/<str:number>", MyCallView),
    *served("devices/<str:device_id>/calls", CallsOfDeviceView),
    *served("me/devices/<str:device_id>/calls", CallsOfDeviceView),
]
