"""Where the peers answer."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tests.bench.peers import bare, plain

router = SimpleRouter()
router.register("appointments", plain.AppointmentViewSet)

urlpatterns = [
    path("bare/", bare.page),
    path("plain/", include(router.urls)),
]
