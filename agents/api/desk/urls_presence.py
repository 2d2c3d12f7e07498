"""Channels of the caller, below /api/v2/; sessions and states are asked of /me itself."""

from agents.api.desk.base import served
from agents.api.desk.views_presence import ChannelView, MyChannelsView, MyChannelView

urlpatterns = [
    *served("me/channels", MyChannelsView),
    *served("me/channels/<str:channel_id>", MyChannelView),
    *served("channels/<str:channel_id>", ChannelView),
]
