"""What the process holds, and whether it grows."""

import gc
import sys
from array import array
from pathlib import Path

THIRDS = 3


class Memory:
    """Samples taken between two rounds: blocks that Python has given out, and bytes of the process."""

    def __init__(self) -> None:
        self.blocks = array("q")  # no objects of their own, which would count
        self.resident = array("q")

    def sample(self) -> None:
        gc.collect()
        self.blocks.append(sys.getallocatedblocks())
        self.resident.append(_resident_bytes())

    def growth(self) -> tuple[int, int]:
        """Blocks and bytes by which the lowest of the last third is above the lowest of the second."""
        return _growth(self.blocks), _growth(self.resident)

    def check(self, *, blocks: int, size: int) -> None:
        """Refuse growth above what settling may take, and above that many blocks and bytes a round.

        Up and down by some 2,000 blocks from round to round is usual: caches of the interpreter. So fewer
        than nine rounds tell nothing.
        """
        rounds = len(self.blocks) // THIRDS
        if rounds < THIRDS:
            return
        grown_blocks, grown_size = self.growth()
        assert grown_blocks <= 2_000 + blocks * rounds, f"{grown_blocks:,} blocks left by {rounds} rounds"
        assert grown_size <= 4_000_000 + size * rounds, f"{grown_size:,} bytes left by {rounds} rounds"


def _growth(samples: "array[int]") -> int:
    third = len(samples) // THIRDS
    return min(samples[-third:]) - min(samples[third : 2 * third]) if third else 0


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0
