"""What flash of NOR kind does, and what a power cut leaves of it. Runs on MicroPython and CPython."""

BLOCK = 4096
_ONES = b"\xff" * 256


def program(image, at: int, octets):
    """Clear bits, as flash does; what was not erased before would show as damage."""
    length = len(octets)
    if length <= len(_ONES) and image[at : at + length] == memoryview(_ONES)[:length]:
        image[at : at + length] = octets
        return
    for offset, octet in enumerate(octets):
        image[at + offset] &= octet


def erase(image, at: int, length: int):
    for start in range(at, at + length, len(_ONES)):
        image[start : start + len(_ONES)] = _ONES


def torn_programs(at: int, octets: bytes) -> list:
    """Ways in which a program can be left: not begun, half, all but the last octet, weak bits, all of it."""
    half = len(octets) // 2
    weak = bytes([each | (0x5A if place % 7 == 3 else 0) for place, each in enumerate(octets)])
    return [
        lambda image: None,
        lambda image: program(image, at, octets[:half]),
        lambda image: program(image, at, octets[:-1]),
        lambda image: program(image, at, weak),
        lambda image: program(image, at, octets),
    ]


def torn_erases(at: int) -> list:
    """Ways in which an erase can be left: not begun, its first half, its second half, ones and zeros mixed, all of it."""
    half = BLOCK // 2

    def mixed(image):
        for place in range(at, at + BLOCK, 5):
            image[place] = place * 7 & 0xFF

    return [
        lambda image: None,
        lambda image: erase(image, at, half),
        lambda image: erase(image, at + half, half),
        mixed,
        lambda image: erase(image, at, BLOCK),
    ]
