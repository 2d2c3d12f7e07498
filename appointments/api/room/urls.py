"""What is secret comes last in an address."""

from django.urls import path

from appointments.api.room import views

urlpatterns = [
    path("join/<str:token>", views.JoinView.as_view(), name="room-join"),
    path("poll/<str:token>", views.PollView.as_view(), name="room-poll"),
    path("send/<str:token>", views.SendView.as_view(), name="room-send"),
    path("leave/<str:token>", views.LeaveView.as_view(), name="room-leave"),
]
