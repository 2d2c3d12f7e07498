"""The resources of agents' desktops, below /api/v2/."""

from __future__ import annotations

from django.urls import re_path

from agents.api.desk import urls_calls, urls_devices, urls_presence
from agents.api.desk.base import served
from agents.api.desk.views_contacts import ContactsView, ContactView
from agents.api.desk.views_features import (
    FeaturesView,
    FeatureView,
    SystemFeaturesView,
    SystemFeatureView,
)
from agents.api.desk.views_me import MeView
from agents.api.desk.views_nothing import NothingView
from agents.api.desk.views_recordings import (
    RecordingMediaView,
    RecordingsView,
    RecordingView,
)
from agents.api.desk.views_settings import (
    AgentStatesView,
    AgentStateView,
    GeneralSettingsView,
    SettingsView,
)
from agents.api.desk.views_skills import (
    MySkillsView,
    MySkillView,
    SkillOfUserView,
    SkillsOfUserView,
    SkillsView,
    SkillView,
)
from agents.api.desk.views_system import (
    PhoneNumberView,
    RoutingTemplatesView,
    RoutingTemplateView,
    VoiceEnvironmentView,
)
from agents.api.desk.views_users import UsersView, UserView

_OURS = (
    "channels",
    "contacts",
    "devices",
    "features",
    "interactions",
    "me",
    "phone-numbers",
    "recordings",
    "settings",
    "skills",
    "system",
    "users",
    "voice-environments",
)

urlpatterns = [
    *served("features", FeaturesView),
    *served("features/<str:feature_id>", FeatureView),
    *served("system/features", SystemFeaturesView),
    *served("system/features/<str:feature_id>", SystemFeatureView),
    *served("settings", SettingsView),
    *served("settings/general-settings", GeneralSettingsView),
    *served("settings/agent-states", AgentStatesView),
    *served("settings/agent-states/<str:state_id>", AgentStateView),
    *served("system/routing-templates", RoutingTemplatesView),
    *served("system/routing-templates/<str:template_id>", RoutingTemplateView),
    *served("voice-environments/<str:environment_id>", VoiceEnvironmentView),
    *served("phone-numbers/<str:number_id>", PhoneNumberView),
    *served("me", MeView),
    *urls_presence.urlpatterns,
    *urls_devices.urlpatterns,
    *urls_calls.urlpatterns,
    *served("users", UsersView),
    *served("users/<str:user_id>", UserView),
    *served("skills", SkillsView),
    *served("skills/<str:skill_id>", SkillView),
    *served("users/<str:user_id>/skills", SkillsOfUserView),
    *served("users/<str:user_id>/skills/<str:skill_id>", SkillOfUserView),
    *served("me/skills", MySkillsView),
    *served("me/skills/<str:skill_id>", MySkillView),
    *served("contacts", ContactsView),
    *served("contacts/<str:contact_id>", ContactView),
    *served("recordings", RecordingsView),
    *served("recordings/<str:recording_id>", RecordingView),
    *served("recordings/<str:recording_id>/play/<str:name>", RecordingMediaView),
    # Everything else below a resource of ours; other surfaces have other first words.
    re_path(rf"^(?P<rest>(?:{'|'.join(_OURS)})(?:/.*)?)$", NothingView.as_view()),
]
