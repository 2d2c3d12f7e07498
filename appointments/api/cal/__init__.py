"""Appointments in other calendars, and the feeds that calendars subscribe to."""
