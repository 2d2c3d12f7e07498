"""Python reads this first where PYTHONPATH names this folder: a process whose clock is wrong.

It is off by CLOCK_OFF_BY seconds, and goes on from there. As on a machine whose clock is set
wrong, what measures spans of time (`time.monotonic`) is right.
"""

from __future__ import annotations

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["CLOCK_OFF_BY"]), tick=True).start()
