"""The web process of the local set-up: uvicorn with `config.asgi`."""

from __future__ import annotations

import argparse

import uvicorn


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        "config.asgi:application",
        host=arguments.host,
        port=arguments.port,
        # Its lines go the way of all others, and are redacted: paths may hold tickets.
        log_config=None,
        # Nobody stands in front; TRUSTED_PROXIES decides whom the application believes.
        proxy_headers=False,
        server_header=False,
        # It answers held polls when the process ends.
        lifespan="on",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
