"""Runs the application on a door with 100,000 tasks; started in a pty by test_pty_bytes."""

from __future__ import annotations

import sys

from fake_door import FakeDoor, opener

from adp_tui.tui.app import AdpApp

if __name__ == "__main__":
    app = AdpApp(opener(FakeDoor(int(sys.argv[1]))), "core", rest_s=float(sys.argv[2]))
    app.run(mouse=True)
