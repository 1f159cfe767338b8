"""The nurse's desk: what may be recorded of treatments, whose they are, and which of them still wait."""
