"""Why there is no reading, one word for every meter and plug. This file knows none of them."""


class NoReading(Exception):
    """What a meter or plug said is no reading that counts; the text says why."""
