"""E-mail, by SMTP or by a provider's API."""
