"""The agent's hands on a Raspberry Pi, or any Linux: files, broker, clock, commands."""
