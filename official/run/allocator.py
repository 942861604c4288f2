"""Lets glibc keep the memory of batches instead of giving it back and fetching it anew each time.

A batch of 128 images of 224 x 224 is 77 MB. malloc takes pieces above 32 MB from the kernel and
gives them back at once, so that for each batch the kernel has to find and clear 19,000 pages: 0.3
to 0.5 ms per image where that was measured, half of what decoding takes (docs/input_pipeline.md).
"""

import ctypes
import sys
from collections.abc import Sequence

from datasets import granted

# glibc's malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8
_LARGEST_INT = 2**31 - 1
# Only the main heap can hold pieces above 64 MB; but many threads would queue for a single one.
_MOST_CORES_FOR_ONE_HEAP = 8
_LARGEST_THRESHOLD = 32 * 2**20
_RETURNED = 2**18


def keep_freed_memory(cores: int | None = None) -> bool:
    """Tells malloc to keep what was freed, for reuse.

    With few cores one heap serves all threads and all sizes; with more, pieces up to 32 MB stay in
    the heaps of the threads. The process then holds the most memory that it has needed at one time.
    Call it early: threads that exist keep the heap that they have. `cores` are those that this
    process may use.

    Returns:
      Whether this system's malloc can be told so: glibc, so Linux in general.
    """
    settings = [(_M_TRIM_THRESHOLD, _LARGEST_INT)]
    if (cores or granted.cpus()) <= _MOST_CORES_FOR_ONE_HEAP:
        settings += [(_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0)]
    else:
        settings += [(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)]
    return _tell(settings)


def _tell(settings: Sequence[tuple[int, int]]) -> bool:
    """Tells malloc its parameters; returns whether it took all of them."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(name, value) == 1 for name, value in settings])


def return_freed_memory() -> bool:
    """Tells malloc to give back what was freed, so that a server that runs for weeks stays small.

    By itself glibc takes pieces of up to 32 MB out of its heaps once such a piece was freed, and
    heaps that hold images of all sizes get holes. Here all pieces above 256 KB are the kernel's.
    Call it early.

    Returns:
      Whether this system's malloc can be told so.
    """
    return _tell(
        [(_M_MMAP_THRESHOLD, _RETURNED), (_M_TRIM_THRESHOLD, _RETURNED), (_M_ARENA_MAX, 4)]
    )
