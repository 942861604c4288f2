"""Runs tasks, a shard each: in this process, or in processes of their own.

Processes and not threads: decoding checks hold Python's lock for much of their time.
They are spawned, not forked: TensorFlow does not survive a fork.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from datasets import granted
from datasets.errors import DatasetError

# What a process may need: TensorFlow, images that are read ahead, and the pixels of a large one.
_WORKER_BYTES = 3 << 29
_POLL_SECONDS = 0.2

# Set in each worker by `_start_worker`.
_counter: Any = None
_stop: Any = None


# Does a task; calls what it is handed after each image, and stops when that raises.
Work = Callable[[Any, Callable[[], None]], Any]


class _StoppedError(Exception):
    """The main process wants no more work."""


def default_workers() -> int:
    """Processes to work with: one for each processor that is granted, as memory allows."""
    return max(1, min(granted.cpus(), granted.memory_bytes() // _WORKER_BYTES))


def run_tasks(
    work: Work, tasks: Sequence[Any], num_workers: int, on_images: Callable[[int], None]
) -> Iterator[Any]:
    """Does every task and yields each result when it is there, in no certain order.

    Args:
        work: Does a task; a function that can be sent to a process.
        tasks: What to do.
        num_workers: Processes; 1 works in this process.
        on_images: Called with the number of images that have been handled since its last call.

    Raises:
        DatasetError: What a shard raised, or a worker that died.
    """
    if num_workers == 1 or len(tasks) < 2:
        for task in tasks:
            yield work(task, lambda: on_images(1))
        return
    num_workers = min(num_workers, len(tasks))
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    stop = context.Event()
    executor = concurrent.futures.ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_start_worker, initargs=(counter, stop)
    )
    seen = 0
    try:
        waiting = {executor.submit(_run_task, work, task) for task in tasks}
        while waiting:
            done, waiting = concurrent.futures.wait(
                waiting, _POLL_SECONDS, concurrent.futures.FIRST_COMPLETED
            )
            on_images(counter.value - seen)
            seen = counter.value
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise DatasetError(
            "a worker process died (killed, or out of memory); run the same command again, "
            f"with fewer than --num_workers={num_workers}"
        ) from error
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _start_worker(counter: Any, stop: Any) -> None:
    """Runs first in each worker."""
    global _counter, _stop
    _counter = counter
    _stop = stop
    # These reach the whole group; the main process decides and sets `stop`.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """Ends this worker when the main process was killed: nobody would use its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(work: Work, task: Any) -> Any:
    return work(task, _count_image)


def _count_image() -> None:
    with _counter.get_lock():
        _counter.value += 1
    if _stop.is_set():
        raise _StoppedError
