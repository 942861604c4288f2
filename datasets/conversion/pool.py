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
from typing import Any, Protocol

from datasets.errors import DatasetError

_POLL_SECONDS = 0.2

# Set in each worker by `_start_worker`.
_counter: Any = None
_stop: Any = None


class Task(Protocol):
    """A piece of work that can be sent to a process."""

    def run(self, on_image: Callable[[], None]) -> Any:
        """Does the work; calls `on_image` after each image, and stops when that raises."""


class _StoppedError(Exception):
    """The main process wants no more work."""


def run_tasks(
    tasks: Sequence[Task], num_workers: int, on_images: Callable[[int], None]
) -> Iterator[Any]:
    """Does every task and yields each result when it is there, in no certain order.

    Args:
        tasks: What to do.
        num_workers: Processes; 1 works in this process.
        on_images: Called with the number of images that have been handled since its last call.

    Raises:
        DatasetError: What a shard raised, or a worker that died.
    """
    if num_workers == 1 or len(tasks) < 2:
        for task in tasks:
            yield task.run(lambda: on_images(1))
        return
    yield from _run_in_processes(tasks, min(num_workers, len(tasks)), on_images)


def _run_in_processes(
    tasks: Sequence[Task], num_workers: int, on_images: Callable[[int], None]
) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    stop = context.Event()
    executor = concurrent.futures.ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_start_worker, initargs=(counter, stop)
    )
    seen = 0
    try:
        waiting = {executor.submit(_run_task, task) for task in tasks}
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
    # Ctrl-C reaches the whole group; the main process decides and sets `stop`.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """Ends this worker when the main process was killed: nobody would use its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(task: Task) -> Any:
    return task.run(_count_image)


def _count_image() -> None:
    with _counter.get_lock():
        _counter.value += 1
    if _stop.is_set():
        raise _StoppedError
