"""The program in a unit: an agent that decides, and hands for each board that do."""

VERSION = "0.1.0"
RELEASE = 1  # rises with every release that is signed: a unit never takes one that is not newer over the air
