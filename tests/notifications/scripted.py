"""The scripted transport as a module, as the settings name transports."""

from tests.notifications.ledger import ScriptedTransport

transport = ScriptedTransport()
session = transport.session
rest = transport.rest
