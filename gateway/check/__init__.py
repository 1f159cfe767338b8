"""Checks a ledger from its stored bytes; shares nothing with the programs that wrote it but `protocol`."""
