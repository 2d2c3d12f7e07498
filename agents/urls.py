"""The door of the back office, and how sending is doing."""

from django.urls import path

from agents import views

urlpatterns = [
    path("login/", views.LoginPage.as_view(), name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("password/", views.PasswordPage.as_view(), name="password"),
    path("operations/", views.OperationsPage.as_view(), name="operations"),
]
