#!/usr/bin/env python3
"""Works on a config while no update of it is applied. Usage: with_lockf.py NAME

The lock ends with the block, and with the process, however that ends.
"""
import contextlib, fcntl, os, sys


@contextlib.contextmanager
def locked(name, run=os.environ.get("LOCKSMITH_RUN", "/run/locksmith")):
    # Opened for writing: lockf wants it. One open file for the whole program: closing any other one of it would drop the lock.
    with open(f"{run}/locks/{name}/lock", "r+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody else has it
        yield


if __name__ == "__main__":
    try:
        with locked(sys.argv[1]):
            print("calibrating", flush=True)
            sys.stdin.readline()
    except BlockingIOError:
        sys.exit(75)
