"""Real clients, driven against the sandbox over a socket: `make interop`."""
