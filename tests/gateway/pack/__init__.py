"""Tests of evidence packs: how they are written, and what `check` finds in them."""
