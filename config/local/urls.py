"""The addresses that exist only while the local set-up is on."""

from __future__ import annotations

from django.urls import path, re_path

from config.local import phone, views

app_name = "local"
urlpatterns = [
    re_path(r"^dev/mail/?$", views.list_mail, name="mail"),
    path("dev/mail/<slug:mail_id>/", views.show_mail, name="mail-show"),
    path("dev/mail/<slug:mail_id>/html", views.show_html, name="mail-html"),
    path("dev/mail/<slug:mail_id>/source", views.show_source, name="mail-source"),
    path(
        "dev/mail/<slug:mail_id>/files/<int:number>",
        views.download_attachment,
        name="mail-attachment",
    ),
    re_path(r"^dev/phone/?$", phone.list_phones, name="phone"),
    path("dev/phone/<str:number>/", phone.show_phone, name="phone-show"),
]
