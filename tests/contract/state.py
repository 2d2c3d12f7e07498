"""Everything that is stored, in a form that can be compared: did anything change?"""

from __future__ import annotations

from functools import cache

from django.apps import apps

from config.kernel import prepared


def everything() -> dict[str, str]:
    """Give a digest of every table of ours."""
    return {table: digest or "" for table, digest in prepared.fetch(_digests(), [])}


@cache
def _digests() -> str:
    tables = sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.managed and not model.__module__.startswith("django.")
    )
    # In whatever order the rows come; and planned once, which takes longer than to look.
    return " UNION ALL ".join(
        f"SELECT '{table}', sum(hashtextextended(r::text, 0))::text FROM \"{table}\" r"  # noqa: S608  # our own tables' names
        for table in tables
    )
