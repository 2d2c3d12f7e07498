"""Webhooks: how one is written, signed and sent, and what the receiver's answer means."""
