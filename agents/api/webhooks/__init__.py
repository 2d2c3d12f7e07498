"""The API of the webhook subscriptions."""
