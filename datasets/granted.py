"""What this process may use of the machine: processors and memory, as a container is granted them.

`os.cpu_count()` and the size of the memory are the machine's. A container, a job of a scheduler or
`taskset` has a part of it, said by the set of processors, and by the limits of the control groups
(both versions) that the process is in. Every group above a group limits it, too.
"""

import contextlib
import math
import os
import pathlib
from collections.abc import Iterator


def cpus() -> int:
    """Returns how many processors this process may keep busy, at least 1.

    A part of a processor counts as a whole one.
    """
    return max(1, math.ceil(min(visible_cpus(), cpu_quota())))


def visible_cpus() -> int:
    """Returns how many processors this process may run on, however little of their time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Returns how much memory this process may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(min(physical, memory_limit()))


def cpu_quota(root: str = "/") -> float:
    """Returns the processors that the groups grant, infinity without a limit.

    `root` is the folder that has /proc and /sys.
    """
    return min([math.inf, *_v2_quotas(root), *_v1_quotas(root)])


def memory_limit(root: str = "/") -> float:
    """Returns the bytes that the groups grant, infinity without a limit; see `cpu_quota`."""
    limits = [*_numbers(root, "", "memory.max"), *_numbers(root, "memory", "memory.limit_in_bytes")]
    return min([math.inf, *limits])


def _v2_quotas(root: str) -> Iterator[float]:
    """Yields processors: `cpu.max` is `QUOTA PERIOD` or `max PERIOD`."""
    for folder in _groups(root, ""):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)


def _v1_quotas(root: str) -> Iterator[float]:
    """Yields processors; a quota of -1 is none."""
    for folder in _groups(root, "cpu"):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota = int((folder / "cpu.cfs_quota_us").read_text())
            if quota > 0:
                yield quota / int((folder / "cpu.cfs_period_us").read_text())


def _numbers(root: str, controller: str, name: str) -> Iterator[int]:
    """Yields the number in the file `name` of each group, where it is one."""
    for folder in _groups(root, controller):
        with contextlib.suppress(OSError, ValueError):
            yield int((folder / name).read_text())


def _groups(root: str, controller: str) -> Iterator[pathlib.Path]:
    """Yields the folders of the groups that this process is in, up to the topmost.

    `controller` is `cpu` or `memory`; "" for version 2, which has one tree for all. A container
    often sees its own group as the topmost, and the path of the host as the name; what is not
    there is passed over by the reader.
    """
    top = pathlib.Path(root)
    with contextlib.suppress(OSError):
        for line in (top / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller not in controllers.split(","):
                continue
            base = top / "sys/fs/cgroup" / controllers
            group = pathlib.PurePosixPath(path.lstrip("/"))
            yield from (base / folder for folder in (group, *group.parents))
