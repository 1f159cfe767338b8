"""The SQL of the ledger's steps, by what the tables hold; schema.py knows their order. A step, once released, is never edited."""
