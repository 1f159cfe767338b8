"""A compact story in which a journal does all that it can: grow, rotate, be full, be freed, forget, wake up."""

LIMIT = 16 * 640  # three records to a segment, 15 segments and one for last words
BLOCKS = 40


def play(unit):
    """A morning with sessions, a tag, a clock's step, a power cut, a gateway away for an hour, and its return."""
    unit.boot()
    unit.watch(2, 60)
    unit.time(0, "17:0123456789abcdef")
    unit.watch(250, 150)
    unit.tag("a")
    unit.watch(250, 90)
    unit.time(5000, "18:0123456789abcdef")
    unit.watch(250, 60)
    unit.watch(2, 120)
    unit.ack(unit.left - 1)
    unit.watch(250, 200)
    unit.fail()
    unit.boot(off_s=70)
    unit.watch(250, 130)
    unit.watch(2, 70)
    while not unit.files.full:
        unit.watch(2, 60)
        unit.tag("b")
    unit.watch(250, 60)
    unit.ack(unit.left - 15)
    unit.watch(250, 120)
    unit.watch(2, 420)
    unit.ack(unit.left - 2)
    unit.watch(2, 180)
    unit.watch(250, 70)
    unit.fail()
