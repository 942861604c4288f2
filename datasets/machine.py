"""What this process may use of the machine: processors and memory, also in a container.

A container, a batch system or `taskset` grants a part of the machine; what the machine has in all
would be too much.
"""

import os
from collections.abc import Iterator

# From the mount point of control groups: files that hold a limit, of version 2 and of version 1.
_GROUPS = "sys/fs/cgroup"
_V1_CPU, _V1_MEMORY = ("cpu", "cpu,cpuacct"), ("memory",)
# Version 1 writes a number near 2**63 where there is no limit.
_NO_LIMIT = 2**60


def granted_cpus(root: str = "/") -> int:
    """Number of processors that this process may keep busy, at least 1.

    The smaller of those that it may run on (`taskset`, cpusets) and of the quota of its control
    groups, rounded up. `root` is where /proc and /sys are looked for.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quotas = [-(-quota // period) for quota, period in _cpu_quotas(root)]
    return max(1, min([allowed, *quotas]))


def granted_memory(root: str = "/") -> int | None:
    """Bytes of memory that this process may use in all; None where nothing is known.

    The smallest of the machine's memory and of the limits of its control groups. `root` as above.
    """
    limits = [int(words[1]) * 1024 for words in _table(root, "proc/meminfo", "MemTotal:")]
    for folder in _folders(root, _V1_MEMORY):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limits += [int(word) for word in _words(os.path.join(folder, name)) if word.isdigit()]
    return min((limit for limit in limits if 0 < limit < _NO_LIMIT), default=None)


def _cpu_quotas(root: str) -> Iterator[tuple[int, int]]:
    """Quota and period of each control group that has a limit, in microseconds."""
    for folder in _folders(root, _V1_CPU):
        words = _words(os.path.join(folder, "cpu.max"))
        if len(words) != 2:
            files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            words = [word for name in files for word in _words(os.path.join(folder, name))]
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
            yield int(words[0]), int(words[1])


def _folders(root: str, controllers: tuple[str, ...]) -> Iterator[str]:
    """Folders of this process' control groups and of those above them, of both versions."""
    for line in _lines(os.path.join(root, "proc/self/cgroup")):
        # 0::/path in version 2, number:controllers:/path in version 1.
        _, named, path = (line.split(":", 2) + ["", ""])[:3]
        if not named:
            mounts = [""]
        elif set(named.split(",")) & set(controllers):
            mounts = [*controllers, named]
        else:
            continue
        for mount in dict.fromkeys(mounts):
            base = os.path.join(root, _GROUPS, mount)
            parts = [part for part in path.split("/") if part not in ("", "..")]
            # In a container the path is often one of the host, and the mount point is its end.
            for depth in range(len(parts), -1, -1):
                yield os.path.join(base, *parts[:depth])


def _table(root: str, name: str, key: str) -> Iterator[list[str]]:
    for line in _lines(os.path.join(root, name)):
        words = line.split()
        if words[:1] == [key] and len(words) > 1 and words[1].isdigit():
            yield words


def _words(path: str) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: str) -> list[str]:
    """The lines of a small text file; none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
