"""The operations of the contract, in its order."""

from django.urls import URLPattern

from appointments.api.v2.catalogue import views
from config.kernel.openapi import operation


def _entries(name: str, viewset: type[views.CatalogueViewSet]) -> list[URLPattern]:
    return [
        *operation(f"/{name}/", viewset.as_view({"get": "list", "post": "create"})),
        *operation(
            f"/{name}/<str:id>",
            viewset.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        ),
    ]


urlpatterns: list[URLPattern] = [
    *_entries("subject-groups", views.SubjectGroupViewSet),
    *_entries("subjects", views.SubjectViewSet),
    *_entries("offices", views.OfficeViewSet),
    *_entries("listings", views.ListingViewSet),
    *_entries("lead-segments", views.LeadSegmentViewSet),
    *_entries("forms", views.FormViewSet),
]
