"""The surface of agents' desktops: /api/v2/me, /users, /devices and what is beside them."""
