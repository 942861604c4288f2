"""One process at a time writes in a folder; others are told who it is.

On a disk it is the system that keeps the lock, also between the hosts of most shared disks, and
lets go of it when the process ends, however it ends. Where there is no such thing, as in object
storage, the holder gives a sign of life in the lock's file once a minute, and a lock without one
for five minutes is taken over; two processes that start within the same second may both get it.
"""

import contextlib
import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from official.run import files, paths
from official.run.errors import RunError
from official.run.folder import LOCK_FILE

_SIGN_SECONDS, _SILENT_SECONDS = 60.0, 300.0


@contextlib.contextmanager
def hold(folder: str) -> Iterator[None]:
    """Makes sure that no other process of this program writes in `folder` while the body runs.

    The folder is made if need be, and removed if the body has left it empty. Of several processes
    that train one run together only the chief writes, so that only it holds this.

    Raises:
      RunError: another process holds it; the message says which, where and since when.
    """
    made = paths.make_folder(folder)
    path = os.path.join(folder, LOCK_FILE)
    try:
        release = _of_system(path) if paths.is_local(folder) else _of_signs(path)
        try:
            yield
        finally:
            release()
    finally:
        for place in made:
            if paths.is_local(place):
                with contextlib.suppress(OSError):
                    os.rmdir(place)  # Only if it is empty.
            elif not tf.io.gfile.listdir(place):
                tf.io.gfile.rmtree(place)


def _of_system(path: str) -> Callable[[], None]:
    """Takes the system's lock of a file; returns what gives it back."""
    while True:
        handle = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the file meanwhile.
            if os.path.exists(path) and os.path.samestat(os.fstat(handle.fileno()), os.stat(path)):
                break
        except BlockingIOError as error:
            handle.seek(0)
            raise _refusal(path, _parse(handle.read())) from error
        except OSError:
            handle.close()
            return _of_signs(path)
        handle.close()
    handle.seek(0)
    before = _parse(handle.read())
    if before:
        _say_taken_over(path, before, "it ended without giving it back")
    handle.truncate(0)
    handle.write(_entry())
    handle.flush()

    def release() -> None:
        with contextlib.suppress(OSError):
            os.remove(path)
        handle.close()

    return release


def _of_signs(path: str) -> Callable[[], None]:
    """Takes a lock that is nothing but a file; returns what gives it back."""
    before = _read(path)
    if before:
        silent = time.time() - before.get("alive", 0.0)
        dead = before.get("host") == socket.gethostname() and not _is_alive(before.get("pid", 0))
        if silent < _SILENT_SECONDS and not dead:
            raise _refusal(path, before, _SILENT_SECONDS - silent)
        _say_taken_over(path, before, "it has ended" if dead else f"silent for {silent:.0f} s")
    started = time.time()
    files.write_text(path, _entry(started))
    now = _read(path)
    if (now.get("host"), now.get("pid")) != (socket.gethostname(), os.getpid()):
        raise _refusal(path, now, _SILENT_SECONDS)
    done = threading.Event()

    def give_signs() -> None:
        while not done.wait(_SIGN_SECONDS):
            with contextlib.suppress(OSError, tf.errors.OpError):
                files.write_text(path, _entry(started))

    thread = threading.Thread(target=give_signs, daemon=True)
    thread.start()

    def release() -> None:
        done.set()
        thread.join()
        with contextlib.suppress(OSError, tf.errors.OpError):
            tf.io.gfile.remove(path)

    return release


def _entry(started: float | None = None) -> str:
    """Returns what the lock's file says of this process."""
    now = time.time()
    begin = time.strftime("%F %T %z", time.localtime(started or now))
    entry = {"host": socket.gethostname(), "pid": os.getpid(), "started": begin, "alive": now,
             "command": " ".join(sys.argv)}  # fmt: skip
    return f"{json.dumps(entry)}\n"


def _parse(text: str) -> dict:
    """Returns what a lock's file says; {} for nothing, `host` unknown for what is no entry."""
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return {"host": "unknown"}


def _read(path: str) -> dict:
    """Returns what the lock's file says; {} where there is none."""
    return _parse(files.read_text(path)) if tf.io.gfile.exists(path) else {}


def _who(holder: dict) -> str:
    """Returns a process in words."""
    return (
        f"process {holder.get('pid', '?')} on {holder.get('host', 'another host')} "
        f"(started {holder.get('started', 'at an unknown time')})"
    )


def _refusal(path: str, holder: dict, wait: float = 0.0) -> RunError:
    """What to raise where another process holds the lock."""
    way = "Wait for its end, stop it, or choose another folder."
    if wait:
        way += f" If it has ended, start again in {wait:.0f} s, or remove {path}."
    return RunError(f"{os.path.dirname(path)} is in use: {_who(holder)} writes there. {way}")


def _say_taken_over(path: str, before: dict, why: str) -> None:
    """Tells that a lock was left behind."""
    print(
        f"note: {path} was left behind by {_who(before)}, and is taken over: {why}",
        file=sys.stderr,
    )


def _is_alive(pid: int) -> bool:
    """Whether this host has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid > 0
