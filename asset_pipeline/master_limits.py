"""What one master may cost: memory and time, by what it is and how long its files are."""

from dataclasses import dataclass

from asset_pipeline.child import FirstLook
from asset_pipeline.sniff import Route

MIB = 1024 * 1024
MB = 1_000_000

IMAGE_MEMORY_BYTES = 1536 * MIB  # the largest allowed progressive JPEG keeps 1 GiB of coefficients
IMAGE_TIMEOUT_S = (
    300.0  # a 32k panorama takes 22 CPU-seconds on a desktop core; slow machines get ten times that
)

MODEL_MEMORY_BYTES = 4096 * MIB  # a scan of some million triangles with 8k textures, 256 MiB each decoded
MODEL_MEMORY_PER_BYTE = 8  # large scans: parsed, simplified and packed copies of what the file holds
MODEL_TIMEOUT_S = 1800.0  # a search renders some 20 trials per recipe

FIRST_LOOK_MEMORY_BYTES = 768 * MIB  # with the interpreter's 256 MiB, a small hostile file costs 1 GiB
FIRST_LOOK_MEMORY_PER_BYTE = 16  # text formats and compressed geometry take that many times their length
FIRST_LOOK_CPU_S = 15.0  # an 8k texture is looked at in 1 s; honest small models take less than 5 s in all
FIRST_LOOK_CPU_S_PER_MB = 0.5  # text is read at some MB a second


@dataclass(frozen=True, slots=True)
class MasterLimits:
    """Limits of one child; first_look None: the same all along."""

    max_memory_bytes: int
    timeout_s: float
    first_look: FirstLook | None = None


def limits_of(route: Route, size_bytes: int) -> MasterLimits:
    """The limits of a master whose files, those it refers to included, are so long.

    Reading and checking a model may cost less than working on it: an honest model holds what it says, and a
    hostile one shows itself there. Never more for the first look than for the whole.
    """
    if route is not Route.MODEL:
        return MasterLimits(IMAGE_MEMORY_BYTES, IMAGE_TIMEOUT_S)
    memory_bytes = max(MODEL_MEMORY_BYTES, MODEL_MEMORY_PER_BYTE * size_bytes)
    first_look = FirstLook(
        max_memory_bytes=min(memory_bytes, FIRST_LOOK_MEMORY_BYTES + FIRST_LOOK_MEMORY_PER_BYTE * size_bytes),
        cpu_s=min(MODEL_TIMEOUT_S, FIRST_LOOK_CPU_S + FIRST_LOOK_CPU_S_PER_MB * size_bytes / MB),
    )
    return MasterLimits(memory_bytes, MODEL_TIMEOUT_S, first_look)
