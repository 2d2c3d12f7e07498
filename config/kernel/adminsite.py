"""Puts our admin site in the place of Django's own; nothing here needs the apps to be loaded."""

from django.contrib.admin.apps import AdminConfig


class FrontdeskAdminConfig(AdminConfig):
    """The admin, with the site of config.kernel.admin."""

    default_site = "config.kernel.admin.FrontdeskSite"
