"""`python -m benchmarks.simulator --seeds 300 [--start 0] [--jobs 2]`, or `--seed N [--verbose]` for one."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing import get_context

from benchmarks.simulator.run import Result, simulate

_TOLD = ("edit", "acknowledged", "append", "put", "trim", "excused")


def main() -> int:
    """The exit status: 1 when a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--verbose", action="store_true", help="with --seed: print its trace")
    options = parser.parse_args()
    if options.seed is not None:
        return _replay(options.seed, verbose=options.verbose)
    seeds = range(options.start, options.start + options.seeds)
    if options.jobs == 1:
        return _report(map(simulate, seeds), len(seeds))
    with get_context("spawn").Pool(options.jobs) as pool:
        return _report(pool.imap_unordered(simulate, seeds, chunksize=5), len(seeds))


def _replay(seed: int, *, verbose: bool) -> int:
    result = simulate(seed, _say if verbose else None)
    for failure in result.failures:
        _say(failure)
    _say(f"seed {seed}: {'failed' if result.failures else 'passed'}, digest {result.digest}")
    return 1 if result.failures else 0


def _report(results: Iterable[Result], count: int) -> int:
    started = time.monotonic()
    totals: Counter[str] = Counter()
    failed: list[Result] = []
    for number, result in enumerate(results, 1):
        totals += result.counts
        if result.failures:
            failed.append(result)
            _say(f"seed {result.seed} failed: {result.failures[0]}")
        if number % 100 == 0 or number == count:
            rate = number / (time.monotonic() - started)
            _say(f"{number} seeds, {len(failed)} failed, {rate:.1f} seeds/s")
    _say(", ".join(f"{totals[kind]} {kind}" for kind in _TOLD))
    _say("faults: " + ", ".join(f"{totals[kind]} {kind[2:]}" for kind in sorted(totals) if kind[:2] == "* "))
    for result in sorted(failed, key=lambda each: each.seed):
        _say(f"python -m benchmarks.simulator --seed {result.seed} --verbose")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
