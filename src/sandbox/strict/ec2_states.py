"""States that instances pass through."""

import time

PENDING, RUNNING = ("pending", 0), ("running", 16)
STOPPING, STOPPED = ("stopping", 64), ("stopped", 80)
SHUTTING_DOWN, TERMINATED = ("shutting-down", 32), ("terminated", 48)

# How many answers of DescribeInstances still show the state on the way, and after how many seconds it is left though nobody asks.
ANSWERS_ON_THE_WAY = 2
SECONDS_ON_THE_WAY = 3


def move(instance, through, to):
    """Puts the instance into a state that it leaves after some answers, as on AWS after some seconds."""
    instance._state.name, instance._state.code = through
    instance.on_the_way = [ANSWERS_ON_THE_WAY, to, time.monotonic() + SECONDS_ON_THE_WAY]


def tick(backend, answers=1):
    """What the next answer shows: called before each that tells states, with no answers before one that only depends on them."""
    for reservation in list(backend.reservations.values()):
        for instance in reservation.instances:
            way = getattr(instance, "on_the_way", None)
            if way is None:
                continue
            if (answers and way[0] == 0) or time.monotonic() > way[2]:
                instance._state.name, instance._state.code = way[1]
                instance.on_the_way = None
            else:
                way[0] -= answers
