"""What the process holds, and whether it grows."""

import gc
import sys
from array import array
from pathlib import Path

THIRDS = 3
ROUNDS = 10  # in a third, at least


class Memory:
    """Samples taken between two rounds: blocks that Python has given out, and bytes of the process.

    Trio keeps the scopes whose deadlines are out of date until there are a thousand of them. So the blocks
    rise by some 4,000 and fall again, every five rounds or so: only a third of ten rounds has its low.
    """

    def __init__(self) -> None:
        self.blocks = array("q")  # no objects of their own, which would count
        self.resident = array("q")

    def sample(self) -> None:
        gc.collect()
        self.blocks.append(sys.getallocatedblocks())
        self.resident.append(_resident_bytes())

    @property
    def tells(self) -> bool:
        """Whether there are samples enough to judge by."""
        return len(self.blocks) >= THIRDS * ROUNDS

    def growth(self) -> tuple[int, int]:
        """Blocks and bytes by which the lowest of the last third is above the lowest of the second."""
        return _growth(self.blocks), _growth(self.resident)

    def check(self, *, blocks: int, size: int) -> None:
        """Refuse growth above what settling may take, and above that many blocks and bytes a round."""
        assert self.tells, f"{len(self.blocks)} samples tell nothing, {THIRDS * ROUNDS} are needed"
        rounds = len(self.blocks) // THIRDS
        grown_blocks, grown_size = self.growth()
        assert grown_blocks <= 2_000 + blocks * rounds, f"{grown_blocks:,} blocks left by {rounds} rounds"
        assert grown_size <= 4_000_000 + size * rounds, f"{grown_size:,} bytes left by {rounds} rounds"


def _growth(samples: "array[int]") -> int:
    third = len(samples) // THIRDS
    return min(samples[-third:]) - min(samples[third : 2 * third]) if third else 0


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0
