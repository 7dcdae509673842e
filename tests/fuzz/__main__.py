"""Fuzz for some minutes: `python -m tests.fuzz --minutes 10 [--reader NAME]`; a crash comes with its input.

A crash is whatever is no GeolabelError, ten seconds of the processor for one input, or more than a GiB of memory.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import logging
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from random import Random

from geolabel.errors import GeolabelError
from geolabel.progress import log
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.valid import make_valid

_SLOW_S, _MUCH_KB = 10.0, 1 << 20
_TURN_S = 5.0


def main() -> int:
    """Give readers turns until the time is over; how many crashed."""
    asked = _asked()
    log.setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    faulthandler.enable()  # a library that breaks down takes the process with it; what it met stays in `last`
    crashes, runs = dict.fromkeys(asked.reader, 0), dict.fromkeys(asked.reader, 0)
    asked.crashes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room:
        folder = make_valid(Path(room) / "valid")
        _say(f"valid files made; seed {asked.seed}")
        end, seed = time.monotonic() + 60 * asked.minutes, asked.seed
        seen: set[str] = set()
        while time.monotonic() < end:
            for name in asked.reader:
                seed += 1
                until = min(end, time.monotonic() + _TURN_S)
                done, found = _turn(READERS[name], folder, Random(seed), until, asked.crashes / "last")
                runs[name] += done
                crashes[name] += len(found)
                for why, content in found:
                    if why not in seen:
                        seen.add(why)
                        path = asked.crashes / f"{name.replace(': ', '-').replace(' ', '-')}-{len(seen)}"
                        path.write_bytes(content)
                        _say(f"CRASH {name}: {why}\n  {path}")
    for name in asked.reader:
        _say(f"{name:28} {runs[name]:8,} inputs {crashes[name]:6,} crashes")
    _say(f"{'in all':28} {sum(runs.values()):8,} inputs {sum(crashes.values()):6,} crashes")
    return min(1, sum(crashes.values()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--reader", choices=READERS, action="append", help="one of them; may be given several times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path(tempfile.gettempdir()) / "geolabel-crashes")
    asked = parser.parse_args()
    asked.reader = asked.reader or list(READERS)
    return asked


def _turn(reader: Reader, folder: Path, random: Random, end: float, last: Path) -> tuple[int, list[tuple[str, bytes]]]:
    """How many damaged files a reader met, and which of them it did not get over; `last` holds the last one."""
    path = folder / reader.file
    valid, done, found = path.read_bytes(), 0, []
    try:
        while time.monotonic() < end:
            content = reader.damaged(random, valid)
            path.write_bytes(content)
            last.write_bytes(content)
            done += 1
            if why := met(reader, folder):
                found.append((why, content))
    finally:
        path.write_bytes(valid)
        shutil.rmtree(folder / "out", ignore_errors=True)
    return done, found


def met(reader: Reader, folder: Path) -> str:
    """Why a reader did not get over what lies in the folder; empty where it did."""
    held, start = _most_kb(), time.process_time()  # others may be at work, too
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            reader.meet(folder)
    except GeolabelError as error:
        str(error).encode()
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        last = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in last if "/geolabel/" in frame.filename or "/tests/" in frame.filename]
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
        return f"{type(error).__name__} at {where}: {str(error)[:150]!r}"
    seconds, more = time.process_time() - start, _most_kb() - held
    if seconds > _SLOW_S:
        return f"slow: {seconds:.0f} s"
    return f"{more >> 10} MiB" if more > _MUCH_KB else ""


def _most_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
