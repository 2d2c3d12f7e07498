"""The wiring of the house."""

# Whoever imports Django's settings gets the broker of the settings with them.
from config.celery import app as celery_app

__all__ = ["celery_app"]
