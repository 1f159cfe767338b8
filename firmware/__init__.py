"""The program in a unit: an agent that decides, and hands for each board that do."""

VERSION = "0.1.0"
