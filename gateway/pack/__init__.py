"""The evidence pack: what an inspector carries away. `verify.py` and `verify.html` go into it, and share nothing with the rest."""
