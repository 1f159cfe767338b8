"""A clinic's figures as sheets for the archive: PDF, XLSX and CSV, Chinese first with English beneath."""
