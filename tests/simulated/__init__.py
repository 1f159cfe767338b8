"""Simulated months: a clinic whose truth is known, through the real path from power to leads.

Only the simulator knows what was done and what was not. Units run the real agent over scripted power, their records are
sealed, taken in and reconciled with an imported fee list like anybody's; then what was found is compared with the truth.
`python -m tests.simulated` writes the tables of docs/simulated-months.md.
"""
