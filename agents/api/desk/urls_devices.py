"""Telephones, below /api/v2/."""

from agents.api.desk.base import served
from agents.api.desk.views_devices import (
    DeviceOfUserView,
    DevicesOfUserView,
    DevicesView,
    DeviceView,
    MyDevicesView,
    MyDeviceView,
)

urlpatterns = [
    *served("me/devices", MyDevicesView),
    *served("me/devices/<str:device_id>", MyDeviceView),
    *served("devices", DevicesView),
    *served("devices/<str:device_id>", DeviceView),
    *served("users/<str:user_id>/devices", DevicesOfUserView),
    *served("users/<str:user_id>/devices/<str:device_id>", DeviceOfUserView),
]
