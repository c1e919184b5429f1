"""Times numpy's busday functions on the questions of a file: days off, days, steps.

Prints nanoseconds a question of is_busday, busday_count and busday_offset, and the sums of the
answers of the last two.
"""

import sys
import time

import numpy as np

off, days, steps = open(sys.argv[1]).read().splitlines()[:3]
days = np.array(days.split(), dtype="datetime64[D]")
steps = np.array(steps.split(), dtype="int64")
after = np.roll(days, -1)
# Weekends that are worked can only be had by naming every day off.
calendar = np.busdaycalendar(weekmask="1111111", holidays=off.split())


def nanoseconds(ask):
    best = float("inf")
    for _ in range(30):
        start = time.perf_counter_ns()
        ask()
        best = min(best, (time.perf_counter_ns() - start) / len(days))
    return best


ask_is = lambda: np.is_busday(days, busdaycal=calendar)
ask_count = lambda: np.busday_count(days, after, busdaycal=calendar)
ask_offset = lambda: np.busday_offset(days, steps, busdaycal=calendar)
assert ask_is().all()
print(nanoseconds(ask_is), nanoseconds(ask_count), nanoseconds(ask_offset))
print(ask_count().sum(), ask_offset().astype("int64").sum())
