"""The local set-up: servers from wheels, and every process of the house in one terminal.

`python -m config.local --help` says what there is; production uses none of it.
"""
