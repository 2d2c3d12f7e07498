"""The checks of an application's e-mail service, as the older API has them."""
