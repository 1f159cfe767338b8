"""The things: meters, ports, boards and loads. Imports nothing else of this project."""
