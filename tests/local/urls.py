"""The addresses of the local set-up, which are there only while it is on."""

from django.urls import include, path

urlpatterns = [path("", include("config.local.urls"))]
