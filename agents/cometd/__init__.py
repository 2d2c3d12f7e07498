"""CometD: what desktops are told at once, over Bayeux 1.0 (docs/desk-events.md)."""
