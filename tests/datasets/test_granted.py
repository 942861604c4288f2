"""Processors and memory that control groups of both versions grant, and `taskset`."""

import math
import os
import pathlib
import subprocess
import sys

import pytest

from datasets import granted

ROOT = pathlib.Path(granted.__file__).parents[1]
GIB = 2**30


def tree(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return str(folder)


@pytest.mark.parametrize(
    "files, cpus, memory",
    [
        ({}, math.inf, math.inf),
        # Version 2, as Docker shows it to a container.
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/cpu.max": "150000 100000",
                "sys/fs/cgroup/memory.max": str(3 * GIB),
            },
            1.5,
            3 * GIB,
        ),
        # Version 2, a service: the group above is the narrower one; its own has no limit.
        (
            {
                "proc/self/cgroup": "0::/jobs.slice/job7.scope",
                "sys/fs/cgroup/jobs.slice/job7.scope/cpu.max": "max 100000",
                "sys/fs/cgroup/jobs.slice/job7.scope/memory.max": "max",
                "sys/fs/cgroup/jobs.slice/cpu.max": "400000 100000",
                "sys/fs/cgroup/jobs.slice/memory.max": str(16 * GIB),
            },
            4,
            16 * GIB,
        ),
        # Version 1: the host's path does not exist inside of the container.
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/docker/4f\n3:memory:/docker/4f\n1:cpuset:/",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(GIB),
            },
            0.5,
            GIB,
        ),
        # Version 1 without limits: -1, and a number larger than any memory.
        (
            {
                "proc/self/cgroup": "5:cpu:/\n3:memory:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            math.inf,
            9223372036854771712,
        ),
    ],
    ids=["none", "v2", "v2-above", "v1", "v1-unlimited"],
)
def test_limits_of_control_groups(files, cpus, memory, tmp_path):
    root = tree(tmp_path, files)
    assert granted.cpu_quota(root) == cpus
    assert granted.memory_limit(root) == memory


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_the_set_of_processors_counts():
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    code += "from datasets import granted; print(granted.cpus(), granted.memory_bytes() > 2**20)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "1 True\n", done.stderr
