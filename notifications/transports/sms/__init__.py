"""SMS, by Twilio, by any gateway with an HTTP API, or to the local phone."""
