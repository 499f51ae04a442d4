"""How a session is done without a window: what the buttons do, and the steps taken, as a script."""
