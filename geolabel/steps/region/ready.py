"""A region, and whoever answers for its tiles: the same in one process, on workers, and in a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.inference import Look, predict_shards
from geolabel.learn import dense, engines
from geolabel.learn.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from geolabel.inference import Answer, Answers, Places, Shard
    from geolabel.raster import Reader
    from geolabel.steps.region.scene import Scene


@dataclass(frozen=True, slots=True)
class Ready:
    """A scene that can be predicted."""

    scene: Scene
    answer: Answer
    look: Look | None

    @classmethod
    def of(cls, scene: Scene, engine: engines.Engine, places: Places | None, *, windows: bool) -> Ready:
        """Run the network by an engine, tile by tile or as dense `windows`, whose `places` are looked at."""
        if not windows:
            return cls(scene, Windows(engines.equip(scene.predictor, engine)), None)
        found = dense.make_dense(scene.predictor, scene.plan.stride, engine.precision)
        return cls(scene, found, Look(places, found.map) if places else None)

    def predict(
        self, reader: Reader, shards: Iterable[Shard], tell: Callable[[int], object] = lambda _: None
    ) -> Iterator[tuple[Shard, Answers]]:
        """Predict shards in their order, and yield each when it is whole; `tell` hears how many tiles are done."""
        scene = self.scene
        yield from predict_shards(
            reader,
            scene.plan,
            shards,
            self.answer,
            len(scene.predictor.card.classes),
            block=scene.block[1],
            inside=scene.inside,
            look=self.look,
            tell=tell,
        )
