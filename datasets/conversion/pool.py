"""Runs tasks, a shard each: in this process, or in processes of their own.

Processes and not threads: decoding checks hold Python's lock for much of their time.
They are spawned, not forked: TensorFlow does not survive a fork.
"""

import collections
import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from datasets import granted
from datasets.errors import DatasetError

# What a process may need: TensorFlow, images that are read ahead, and the pixels of a large one.
_WORKER_BYTES = 3 << 29
_POLL_SECONDS = 0.2
# Inputs that are taken before the first result is wanted, for each process.
_AHEAD = 4

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
    executor, counter, stop = _executor(num_workers)
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
        raise _died(num_workers) from error
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _executor(num_workers: int) -> tuple[concurrent.futures.ProcessPoolExecutor, Any, Any]:
    """Processes, a counter of images, and what is set when no more work is wanted."""
    context = multiprocessing.get_context("spawn")
    counter, stop = context.Value("q", 0), context.Event()
    executor = concurrent.futures.ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_start_worker, initargs=(counter, stop)
    )
    return executor, counter, stop


def _died(num_workers: int) -> DatasetError:
    return DatasetError(
        "a worker process died (killed, or out of memory); run the same command again, with fewer "
        f"than --num_workers={num_workers}"
    )


class Workers:
    """Processes that stay from one use to the next; with one, this process does the work."""

    def __init__(self, count: int):
        """Takes how many; they start with the first work."""
        self.count = count
        self._executor: concurrent.futures.ProcessPoolExecutor | None = None
        self._ended = False

    def __enter__(self) -> "Workers":
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the processes; what they still do is lost, and whoever waits for it gets no more."""
        self._ended = True
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def each(self, work: Callable[[Any], Any], inputs: Iterable[Any]) -> Iterator[Any]:
        """Yields what `work` makes of each input, in their order; few are taken ahead of time.

        Raises:
            DatasetError: A worker died. What `work` raises is raised here.
        """
        if self.count == 1:
            yield from map(work, inputs)
            return
        waiting: collections.deque = collections.deque()
        try:
            for one in inputs:
                # Another thread may still ask, when the main one has ended it all.
                if self._ended:
                    return
                waiting.append(self._started().submit(work, one))
                if len(waiting) > _AHEAD * self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise _died(self.count) from error
        finally:
            for future in waiting:
                future.cancel()

    def _started(self) -> concurrent.futures.ProcessPoolExecutor:
        if self._executor is None:
            self._executor = _executor(self.count)[0]
        return self._executor


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
