"""Pin maps, one file a board: constants and nothing else. A new one: see README.md in this folder."""
