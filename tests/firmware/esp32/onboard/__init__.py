"""What runs inside MicroPython beside the unit's own program: a scripted board, its meter, its flash, its time."""
