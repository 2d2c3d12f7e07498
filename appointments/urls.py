"""The pages of this app."""

from django.urls import path

from appointments import views

urlpatterns = [
    path("", views.DayPage.as_view(), name="day"),
    path(
        "appointments/<uuid:appointment_id>/",
        views.AppointmentPage.as_view(),
        name="appointment",
    ),
    path(
        "appointments/<uuid:appointment_id>/messages/<uuid:notification_id>/",
        views.MessagePage.as_view(),
        name="message",
    ),
    path(
        "appointments/<uuid:appointment_id>/messages/<uuid:notification_id>/retry/",
        views.RetryMessage.as_view(),
        name="message-retry",
    ),
    path(
        "appointments/<uuid:appointment_id>/messages/<uuid:notification_id>/cancel/",
        views.CancelMessage.as_view(),
        name="message-cancel",
    ),
    path("q/<str:ticket>", views.VisitPage.as_view(), name="visit"),
    path("q/<str:ticket>/calendar.ics", views.VisitCalendar.as_view(), name="visit-calendar"),
]
