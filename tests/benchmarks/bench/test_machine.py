"""Processes are measured with their children."""

import os
import subprocess
import sys
import time

from benchmarks.bench import machine

_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""


def test_a_childs_processor_time_counts() -> None:
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        child = int(parent.stdout.readline())
        assert machine.tree(parent.pid) == [parent.pid, child]
        before = machine.cpu_seconds(parent.pid)
        while machine.cpu_seconds(parent.pid) == before:
            time.sleep(0.02)
        assert machine.resident_bytes(parent.pid) > machine.resident_bytes(child) > 0
        parent.stdin.close()


def test_a_core_is_left_as_it_was() -> None:
    before = os.sched_getaffinity(0)
    with machine.on_core(min(before)):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before
