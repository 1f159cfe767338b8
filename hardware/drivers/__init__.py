"""One file per meter or plug: pure decoding of what it says."""
