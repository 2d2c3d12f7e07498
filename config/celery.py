"""Celery: it runs the workers and carries nudges. What is due, the database says."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("frontdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By name: the applications can be imported only once Django is set up.
app.steps["worker"].add("notifications.worker:Sweeping")
