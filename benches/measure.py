"""Runs a program and says what it cost: CPU seconds, wall time and peak memory, its children's included."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    cpu: float
    wall: float
    mb: float
    out: str
    err: str


def run(argv, folder, env=None, limit=3600, good=(0,)):
    """Ends with an exception where the program ends badly, or takes more than `limit` seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile() as cost:
        # Linux counts to a program's peak what its parent held when it forked: a small parent makes that a small mistake.
        words = [sys.executable, "-S", "-E", __file__, cost.name, str(limit), *map(str, argv)]
        subprocess.run(words, cwd=folder, env={**os.environ, **(env or {})}, stdout=out, stderr=err, check=True)
        told = json.load(cost)
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read().decode(errors="replace"))
    if told["late"]:
        raise TimeoutError(f"{' '.join(map(str, argv))} took more than {limit} s")
    if told["code"] not in good:
        raise RuntimeError(f"{argv} ended with {told['code']}:\n{texts[0][-2000:]}{texts[1][-4000:]}")
    return Run(told["cpu"], told["wall"], told["mb"], *texts)


def best(times, *args, **kwargs):
    """The cheapest of several runs: the others had to share the machine."""
    return min((run(*args, **kwargs) for _ in range(times)), key=lambda r: r.cpu)


def table(head, rows):
    """Prints a Markdown table."""
    rows = [[str(cell) for cell in row] for row in rows]
    wide = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda cells: "| " + " | ".join(cell.ljust(w) for cell, w in zip(cells, wide)) + " |"
    print(line(head), "|" + "|".join("---" for _ in head) + "|", *map(line, rows), sep="\n", flush=True)
    print(flush=True)


def small_parent(cost, limit, *argv):
    begun = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    late = threading.Event()

    def end():
        late.set()
        os.kill(pid, 9)

    timer = threading.Timer(float(limit), end)
    timer.daemon = True
    timer.start()
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - begun
    cpu, mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    with open(cost, "w") as f:
        json.dump({"cpu": cpu, "wall": wall, "mb": mb, "code": os.waitstatus_to_exitcode(status), "late": late.is_set()}, f)


if __name__ == "__main__":
    small_parent(*sys.argv[1:])
