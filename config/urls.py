"""Every address of the product, app by app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from config import views
from config.kernel.openapi import operation
from config.kernel.reference import RedocPage, SwaggerPage
from notifications import tracking

urlpatterns = [
    *operation("healthz", views.healthz, name="healthz"),
    *operation("readyz", views.readyz, name="readyz"),
    *operation("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/schema/swagger/", SwaggerPage.as_view(), name="swagger"),
    path("api/schema/redoc/", RedocPage.as_view(), name="redoc"),
    path("api/", include("agents.api.urls")),
    path("api/notifications/emails", include("agents.api.emails.urls")),
    path("api/appointments", include("appointments.api.v1.urls")),
    path("api/cal", include("appointments.api.cal.urls")),
    path("api/v2/appointments", include("appointments.api.v2.urls")),
    path("api/v2/availability", include("appointments.api.v2.availability.urls")),
    path("api/v2/catalogue", include("appointments.api.v2.catalogue.urls")),
    path("api/v2/rescues", include("appointments.api.v2.rescues.urls")),
    path("api/v2/webhook-subscriptions", include("agents.api.webhooks.urls")),
    path("api/v2/", include("agents.api.desk.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("", include("agents.urls")),
    path("", include("appointments.urls")),
]

if "WEBHOOK_SECRET" in settings.ANYMAIL:
    urlpatterns.append(path("anymail/", include(tracking.urls())))

if settings.LOCAL:
    urlpatterns.append(path("", include("config.local.urls")))

handler400 = "config.kernel.exceptions.handler400"
handler403 = "config.kernel.exceptions.handler403"
handler404 = "config.kernel.exceptions.handler404"
handler500 = "config.kernel.exceptions.handler500"
