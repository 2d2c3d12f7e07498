"""The door of the back office, how sending is doing, and who works here."""

from django.urls import path

from agents import views, views_board, views_desk, views_hours, views_house, views_matrix

urlpatterns = [
    path("login/", views.LoginPage.as_view(), name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("password/", views.PasswordPage.as_view(), name="password"),
    path("desk/", views_desk.DeskPage.as_view(), name="desk"),
    path("desk/token/", views_desk.DeskToken.as_view(), name="desk-token"),
    path("desk/telephones/", views_desk.WatchedTelephones.as_view(), name="desk-telephones"),
    path("desk/live/", views_board.BoardPage.as_view(), name="board"),
    path("desk/live/state", views_board.BoardState.as_view(), name="board-state"),
    path("operations/", views.OperationsPage.as_view(), name="operations"),
    path("people/", views_hours.PeoplePage.as_view(), name="people"),
    path(
        "people/<uuid:user_id>/hours/",
        views_hours.PersonHoursPage.as_view(),
        name="person-hours",
    ),
    path(
        "people/<uuid:user_id>/days/<str:day>/clear/",
        views_hours.ClearDay.as_view(),
        name="person-day-clear",
    ),
    path("absences/<uuid:absence_id>/", views_hours.AbsencePage.as_view(), name="absence"),
    path("holidays/", views_house.HolidaysPage.as_view(), name="holidays"),
    path("holidays/<uuid:holiday_id>/", views_house.HolidayPage.as_view(), name="holiday"),
    path("skills/", views_house.SkillsPage.as_view(), name="skills"),
    path("skills/matrix/", views_matrix.SkillMatrixPage.as_view(), name="skill-matrix"),
    path("skills/<uuid:skill_id>/", views_house.SkillPage.as_view(), name="skill"),
]
