"""A unit's hands on an ESP32 under MicroPython; `README.md` says what stands where on its flash."""
