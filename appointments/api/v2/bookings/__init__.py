"""Requests, invites and what becomes of bookings: the commands that the documented API lacks."""
