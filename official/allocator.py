"""Lets glibc keep the memory of batches instead of giving it back and fetching it anew each time.

A batch of 128 pictures of 224 x 224 is 77 MB. malloc takes pieces above 32 MB from the kernel and
gives them back at once, so that for each batch the kernel has to find and clear 19,000 pages: 0.4
ms per picture where that was measured, a third of what decoding takes (docs/input_pipeline.md).
"""

import ctypes
import sys

# glibc's malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tells malloc to use one heap for all sizes and to keep what was freed, for reuse.

    The process then holds the most memory that it has needed at one time. Call it early: threads
    that exist keep the heap that they have.

    Returns:
      Whether this system's malloc can be told so: glibc, so Linux in general.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST_INT))
    return all([mallopt(name, value) == 1 for name, value in settings])
