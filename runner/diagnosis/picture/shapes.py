"""What a picture is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.diagnosis.picture.fitting import Label
from runner.diagnosis.picture.formats import Format
from runner.diagnosis.picture.marks import Block, Mark
from runner.diagnosis.picture.scale import Scale


@dataclass(frozen=True)
class Bar:
    """A piece of a row: what a process did before the stop is drawn paler than what it did since."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    pale: bool
    title: str


@dataclass(frozen=True)
class End:
    """How a row ends."""

    x: float
    y: float
    kind: str


@dataclass(frozen=True)
class Stroke:
    """A vertical line."""

    x: float
    top: float
    bottom: float
    kind: str


@dataclass
class Picture:
    """Everything that is drawn, in units of the format; `y` grows downwards."""

    format: Format
    scale: Scale
    caption: str
    top: float = 0.0
    bottom: float = 0.0
    """Of the part that the axis measures."""
    height: float = 0.0
    labels: list[Label] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    branches: list[tuple[float, float, float]] = field(default_factory=list)
    """Corners of the tree: x, y of the corner, and how far it reaches up."""
    leads: list[tuple[float, float, float]] = field(default_factory=list)
    """From x to x, at y: a process was there before it was seen."""
    blocks: list[Block] = field(default_factory=list)
    """Output, already in units: `height` is from the base line up."""
    base: float = 0.0
    marks: list[tuple[float, Mark]] = field(default_factory=list)
    """Files that were written, with the `y` of their lane."""
    ticks: list[float] = field(default_factory=list)
    dispositions: list[tuple[str, str]] = field(default_factory=list)
    endings: list[tuple[str, str]] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    """What the legend explains: only what is there."""

    @property
    def tears(self) -> list[str]:
        """A path down the picture at each place where the measure changes, like torn paper."""
        return [_tear(x, self.top, self.bottom) for x in self.scale.breaks]


def _tear(x: float, top: float, bottom: float) -> str:
    steps = round((bottom - top) / 7)
    points = [(x + (3 if n % 2 else -3), top + (bottom - top) * n / max(steps, 1)) for n in range(steps + 1)]
    return "M" + "L".join(f"{left:.1f} {down:.1f}" for left, down in points)
