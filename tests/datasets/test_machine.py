import os
import subprocess
import sys

import pytest

from datasets import machine

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(machine.__file__)))
PLENTY = "9" * 15


def tree(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def test_the_cpus_that_a_process_may_run_on():
    code = "from datasets import machine; print(machine.granted_cpus())"
    first = min(os.sched_getaffinity(0))
    result = subprocess.run(
        ["taskset", "-c", str(first), sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "1\n"


@pytest.mark.parametrize(
    "files",
    [
        # A container of version 2 that sees itself as the root, with one and a half and with one.
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
        # The limit is that of a group above.
        {
            "proc/self/cgroup": "0::/user/job/step\n",
            "sys/fs/cgroup/user/job/step/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user/cpu.max": "80000 100000\n",
        },
        # Version 1; the path is one of the host.
        {
            "proc/self/cgroup": "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    ],
)
def test_a_quota_of_one_cpu(tmp_path, files):
    assert machine.granted_cpus(tree(tmp_path, files)) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{PLENTY} 100000\n"},
        {
            "proc/self/cgroup": "3:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    ],
)
def test_without_a_quota_it_is_the_affinity(tmp_path, files):
    assert machine.granted_cpus(tree(tmp_path, files)) == len(os.sched_getaffinity(0))


def test_memory_is_the_smallest_limit(tmp_path):
    meminfo = {"proc/meminfo": "MemTotal:       8000 kB\nMemFree: 1 kB\n"}
    assert machine.granted_memory(tree(tmp_path / "a", {})) is None
    assert machine.granted_memory(tree(tmp_path / "b", meminfo)) == 8_192_000
    two = {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}
    two["sys/fs/cgroup/memory.max"] = "4096000\n"
    assert machine.granted_memory(tree(tmp_path / "c", {**meminfo, **two})) == 4_096_000
    one = {
        "proc/self/cgroup": "5:memory:/x\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert machine.granted_memory(tree(tmp_path / "d", {**meminfo, **one})) == 8_192_000
    one["sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = "1048576"
    assert machine.granted_memory(tree(tmp_path / "d", one)) == 1_048_576
