"""Django's back end for PostgreSQL, but for two things: see `base`."""
