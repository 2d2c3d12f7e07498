"""Everything that is stored, in a form that can be compared: did anything change?"""

from __future__ import annotations

from django.apps import apps
from django.db import connection


def everything() -> dict[str, str]:
    """Give a digest of every table of ours."""
    tables = sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.managed and not model.__module__.startswith("django.")
    )
    query = " UNION ALL ".join(
        f"SELECT '{table}', md5(string_agg(r::text, ' ' ORDER BY r::text)) FROM \"{table}\" r"  # noqa: S608  # our own tables' names
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {table: digest or "" for table, digest in cursor.fetchall()}
