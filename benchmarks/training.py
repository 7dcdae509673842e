"""Does training keep the device busy? Samples per second of `geolabel train`'s epochs beside a bare loop.

    python benchmarks/training.py [--cases small-cnn,resnet18] [--repeats 3] [--precision auto] [--tiles 2048]
        [--batch 64] [--profile] [--json FILE]

The bare loop is plain torch on one batch that lies ready, normalised, on the device: the same network, loss, optimiser,
precision and size of batch, and nothing else. geolabel's epochs draw tiles from uint16 chips in memory, normalise and
augment them (dihedral, light), learn, and keep the rate's course. Both take turns in one process. The aim is a ratio of
.90. An epoch has 32 steps at the least, as geolabel makes it where tiles are few; smaller batches make it shorter. With
`--profile`, what each part of a batch costs by itself. Beside it: what a checkpoint costs, which is written after each
epoch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from geolabel.cli.process import prepare

prepare()  # as the command does before torch is loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402
from measured import Result, add_json, write_json  # noqa: E402

from geolabel.learn import backbones, checkpoint, loop  # noqa: E402
from geolabel.learn.augment import Augmentation  # noqa: E402
from geolabel.learn.chips import Chips  # noqa: E402
from geolabel.learn.device import choose_device, choose_precision  # noqa: E402
from geolabel.learn.feed import batches  # noqa: E402
from geolabel.learn.lesson import Lesson  # noqa: E402
from geolabel.learn.optimisation import make_optimizer  # noqa: E402
from geolabel.learn.recipe import Recipe  # noqa: E402
from geolabel.learn.run import Run, batches_an_epoch, start  # noqa: E402
from geolabel.learn.transforms import Normalise  # noqa: E402
from geolabel.model import BandContract, Head  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

AIM = 0.9
_NAMES = ("forest", "water", "road", "mine")
_TYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
_WARM_STEPS = 4
"""Steps of the bare loop before it is timed."""


@dataclass(frozen=True, slots=True)
class Case:
    """A network and its tiles."""

    model: str
    bands: int
    side_px: int
    batch: int
    tiles: int
    device: str = "cpu"

    def __str__(self) -> str:
        return f"{self.model}, {self.side_px} px × {self.bands}, batches of {self.batch}"


CASES = (Case("small-cnn", 4, 64, 64, 2048), Case("resnet18", 4, 96, 64, 2048))
ON_A_GPU = Case("resnet50", 3, 224, 128, 8192, "cuda")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--cases", default="", help="names of networks, with commas, and no checkpoints (default: all, and these)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="turns; medians are shown (default: 3)")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or fp16 (default: auto)")
    parser.add_argument("--tiles", type=int, default=2048, help="of an epoch; fewer: shorter turns (default: 2048)")
    parser.add_argument("--batch", type=int, default=0, help="tiles of a step (default: 64; on a GPU 128)")
    add_json(parser)
    parser.add_argument("--profile", action="store_true", help="what each part of a batch costs by itself")
    return parser.parse_args()


def lesson_of(case: Case) -> Lesson:
    """Made-up tiles: smooth ground with noise, as uint16 reflectance, all valid; two of them validate."""
    rng = np.random.default_rng(0)
    count = case.tiles + 2
    pixels = rng.integers(200, 3_000, (count, case.bands, case.side_px, case.side_px), dtype=np.uint16)
    targets = (rng.random((count, len(_NAMES))) < 0.3).astype(np.float32)
    chips = Chips(pixels, np.ones((count, case.side_px, case.side_px), bool))
    rows = np.arange(count)
    heads = (Head("land", "sigmoid", _NAMES),)
    return Lesson(chips, targets, targets, np.ones(count, np.float32), rows[2:], rows[:2], heads)


def fresh_network(case: Case) -> torch.nn.Module:
    """The same weights for both."""
    return backbones.start(case.model, case.bands, len(_NAMES), "none", 0, tile_px=(case.side_px, case.side_px))


class Bare:
    """A loop over one batch: what a device can do at the most."""

    def __init__(self, case: Case, run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise) -> None:
        self._device = run.fabric.device
        self._batch = next(batches(lesson, lesson.train[: case.batch], case.batch, normalise, self._device))
        network = fresh_network(case).to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network, self._optimizer, self._loss = network, make_optimizer(network, recipe), run.loss
        self._type = _TYPES[choose_precision(recipe.precision, self._device)]

    def __call__(self, steps: int) -> None:
        """So many steps."""
        batch = self._batch
        for _ in range(steps):
            with torch.autocast(self._device.type, self._type, enabled=self._type is not None):
                logits = self._network(batch.chips)
            self._loss(logits, batch.targets, batch.weights).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._optimizer.zero_grad()


@dataclass(frozen=True, slots=True)
class Cost:
    """Of an epoch."""

    seconds: float
    processor_s: float
    """Of all threads together: what a busy machine does not change much."""


def cost_of(work: Callable[[], None], device: torch.device) -> Cost:
    """Run it, until the device is done."""
    wait(device)
    began, processor = time.perf_counter(), time.process_time()
    work()
    wait(device)
    return Cost(time.perf_counter() - began, time.process_time() - processor)


def wait(device: torch.device) -> None:
    """Until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def compare(case: Case, repeats: int, precision: Any, *, profile: bool) -> list[float]:
    """Print what both do in a second; the ratio of each turn."""
    lesson, device = lesson_of(case), choose_device(case.device)
    recipe = Recipe(
        model=case.model, batch=case.batch, epochs=repeats, patience=repeats, device=case.device, precision=precision
    )
    normalise = Normalise(tuple(BandContract(f"b{n}", 1.0, 0.0, 1_600.0, 800.0) for n in range(case.bands))).to(device)
    run = start(fresh_network(case), lesson, recipe, device)
    bare, steps = Bare(case, run, lesson, recipe, normalise), batches_an_epoch(case.tiles, recipe)
    bare(_WARM_STEPS)
    fed, plain = [], []
    for turn in range(repeats):
        epochs = replace(recipe, epochs=turn + 1)
        fed.append(cost_of(lambda: loop.fit(run, lesson, epochs, normalise, save_to=None), device))  # noqa: B023
        plain.append(cost_of(lambda: bare(steps), device))
    speeds = [steps * case.batch / median(cost.seconds for cost in costs) for costs in (fed, plain)]
    ratios = [two.seconds / one.seconds for one, two in zip(fed, plain, strict=True)]
    processor = median(two.processor_s / one.processor_s for one, two in zip(fed, plain, strict=True))
    print(f"\n{case}, {choose_precision(precision, device)} on {device.type}, {torch.get_num_threads()} threads")
    print(f"  geolabel {speeds[0]:,.0f} samples/s, bare loop {speeds[1]:,.0f}: ratio {median(ratios):.3f}", end="")
    print(
        f" (each turn {', '.join(f'{ratio:.3f}' for ratio in ratios)}; by processor time {processor:.3f})", flush=True
    )
    if profile:
        print(parts_of(run, lesson, recipe, normalise, speeds[1]))
    return ratios


def parts_of(run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise, speed: float) -> str:
    """Milliseconds a batch, each part alone: what the feed costs, what augmentation costs, beside a bare step."""
    device, rows = run.fabric.device, lesson.train[: recipe.batch * 16]
    augmentation = Augmentation.parse(recipe.augment)
    batch = next(batches(lesson, rows, recipe.batch, normalise, device))

    def feed() -> None:
        for _ in batches(lesson, rows, recipe.batch, normalise, device):
            pass

    def augment() -> None:
        for _ in range(16):
            draws = augmentation.draw(recipe.batch, batch.chips.shape[1], run.generator).to(device)
            augmentation.apply(batch.chips, batch.valid, draws).contiguous(memory_format=torch.channels_last)

    def timed(work: Callable[[], None]) -> float:
        work()
        wait(device)
        began = time.perf_counter()
        work()
        wait(device)
        return (time.perf_counter() - began) / 16 * 1000

    return (
        f"  a batch: feed {timed(feed):.1f} ms, augmentation {timed(augment):.1f} ms, "
        f"bare step {recipe.batch / speed * 1000:.1f} ms"
    )


def cost_of_checkpoints() -> None:
    """Print the seconds that a checkpoint of ResNet-50 takes, and its size."""
    case = Case("resnet50", 3, 64, 4, 8)
    lesson, recipe = lesson_of(case), Recipe(model=case.model, batch=case.batch, device="cpu")
    run = start(fresh_network(case), lesson, recipe, torch.device("cpu"))
    batch = torch.zeros(2, 3, 64, 64)
    run.fabric.backward(run.learner(batch)[0].sum())
    run.optimizer.step()
    run.best = run.weights()
    seconds = []
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent / "out") as folder:
        path = Path(folder) / "checkpoint.ckpt"
        for _ in range(3):
            began = time.perf_counter()
            checkpoint.save(run, path)
            seconds.append(time.perf_counter() - began)
        size = path.stat().st_size / 1e6
    began = time.perf_counter()
    run.weights()
    copied = time.perf_counter() - began
    print(f"\na checkpoint of resnet50: {size:.0f} MB in {median(seconds):.2f} s, after every epoch; ", end="")
    print(f"the copy of the best weights {copied:.2f} s")


def peak_mb() -> float:
    """The most memory that this process has had, by the kernel's count."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print a row a case."""
    options = parse()
    (Path(__file__).parent / "out").mkdir(exist_ok=True)
    cases = (*CASES, *((ON_A_GPU,) if torch.cuda.is_available() else ()))
    wanted = options.cases.split(",") if options.cases else [case.model for case in cases]
    found = {
        case.model: compare(
            replace(case, tiles=options.tiles, batch=options.batch or case.batch),
            options.repeats,
            options.precision,
            profile=options.profile,
        )
        for case in cases
        if case.model in wanted
    }
    write_json(options.json, [Result(name, tuple(turns)) for name, turns in found.items()])
    ratios = [median(turns) for turns in found.values()]
    print(f"\npeak memory of all this {peak_mb():.0f} MB")
    if not options.cases:
        cost_of_checkpoints()
    if ratios:
        print(f"the lowest ratio is {min(ratios):.3f}; the aim is {AIM}: {'met' if min(ratios) >= AIM else 'missed'}")
    if not torch.cuda.is_available():
        print(f"no GPU here: {ON_A_GPU} was not measured")


if __name__ == "__main__":
    main()
