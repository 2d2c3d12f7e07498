"""The pages of this app."""

from django.urls import include, path

from appointments import (
    views,
    views_booking,
    views_booking_steps,
    views_catalogue,
    views_feeds,
    views_free_times,
    views_office_hours,
    views_participant,
    views_requests,
    views_rescue,
    views_video,
    views_visit,
)

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
    path(
        "appointments/<uuid:appointment_id>/do/<slug:command>/",
        views_requests.CommandPage.as_view(),
        name="appointment-command",
    ),
    path("requests/", views_requests.RequestsPage.as_view(), name="requests"),
    path("requests/new/", views_requests.NewRequestPage.as_view(), name="request-new"),
    path("catalogue/", views_catalogue.CataloguePage.as_view(), name="catalogue"),
    path(
        "offices/<uuid:office_id>/hours/",
        views_office_hours.OfficeHoursPage.as_view(),
        name="office-hours",
    ),
    path(
        "offices/<uuid:office_id>/days/<str:day>/clear/",
        views_office_hours.ClearOfficeDay.as_view(),
        name="office-day-clear",
    ),
    path("free-times/", views_free_times.FreeTimesPage.as_view(), name="free-times"),
    path("rescues/", views_rescue.RescuesPage.as_view(), name="rescues"),
    path("rescues/new/", views_rescue.NewRescuePage.as_view(), name="rescue-new"),
    path("rescues/<uuid:rescue_id>/", views_rescue.RescuePage.as_view(), name="rescue"),
    path(
        "rescues/<uuid:rescue_id>/undo/", views_rescue.UndoRescuePage.as_view(), name="rescue-undo"
    ),
    path("calendars/", views_feeds.FeedsPage.as_view(), name="feeds"),
    path("calendars/<uuid:feed_id>/revoke/", views_feeds.RevokeFeed.as_view(), name="feed-revoke"),
    path("book/<str:application>", views_booking.SubjectsPage.as_view(), name="book"),
    path(
        "book/<str:application>/<str:subject>",
        views_booking_steps.SubjectPage.as_view(),
        name="book-subject",
    ),
    path("q/<str:ticket>", views_visit.VisitPage.as_view(), name="visit"),
    path("q/<str:ticket>/calendar.ics", views_visit.VisitCalendar.as_view(), name="visit-calendar"),
    path("q/<str:ticket>/move/", views_visit.VisitMovePage.as_view(), name="visit-move"),
    path("q/<str:ticket>/cancel/", views_visit.VisitCancelPage.as_view(), name="visit-cancel"),
    path("q/<str:ticket>/details/", views_visit.VisitDetailsPage.as_view(), name="visit-details"),
    path(
        "a/cancel/<str:token>",
        views_participant.CancelPage.as_view(),
        name="participant-cancel",
    ),
    path("a/edit/<str:token>", views_participant.EditPage.as_view(), name="participant-edit"),
    path("a/invite/<str:token>", views_participant.InvitePage.as_view(), name="participant-invite"),
    path("a/video/<str:token>", views_video.VideoPage.as_view(), name="participant-video"),
    path(
        "a/video-test/<str:token>",
        views_video.VideoTestPage.as_view(),
        name="participant-video-test",
    ),
    path("a/room/", include("appointments.api.room.urls")),
    path(
        "a/calendar/google/<str:token>",
        views_participant.GooglePage.as_view(),
        name="participant-google",
    ),
    path(
        "a/calendar/office365/<str:token>",
        views_participant.Office365Page.as_view(),
        name="participant-office365",
    ),
    path(
        "a/calendar/ical/<str:token>",
        views_participant.IcalPage.as_view(),
        name="participant-ical",
    ),
]
