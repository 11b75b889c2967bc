"""Celery on its file system transport, results in files: measures one scenario and prints one line of JSON.

The worker is a process of its own (`celery worker`, 2 children), as users start it. Finished jobs are counted in the result
files, and their times are the `date_done` that Celery writes into each.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime

from celery import Celery, group
from celery.exceptions import TimeoutError

WARM_UP_JOBS = 50
WARM_UP_CALLS = 2
# Every message is fetched by listing and sorting the whole folder, so the time grows with the square of the backlog.
MOST_JOBS = 500
# Each takes a second.
MOST_CALLS = 20
STALL_S = 60
# The exit code that tells celery.mjs to try again.
WORKER_DIED = 3
PREFIX = "celery-task-meta-"

options = json.loads(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].startswith("{") else None
folder = os.environ.get("CELERY_PEER_DIR") or options["dir"]
poll_s = float(os.environ.get("CELERY_PEER_POLL") or (options or {}).get("pollMs", 1000) / 1000)
messages, results, temp = (os.path.join(folder, name) for name in ("messages", "results", "tmp"))

app = Celery("celery_peer")
app.conf.update(
    # kombu's page on the file system transport: both folders must exist; one folder for both lets one side read what the
    # other wrote.
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": messages,
        "data_folder_out": messages,
        # How long to sleep when there was no message (kombu.transport.virtual, Transport.polling_interval). It stays at its
        # 1 s: at 10 ms a round trip takes 22 ms, but a worker that looks often soon reads a message which is still being
        # written, and dies of it. Here it did so within 50 calls.
        "polling_interval": poll_s,
    },
    # "File-system backend settings": the folder must exist.
    result_backend="file://" + results,
    # User guide, "Optimizing", Prefetch Limits: for many short tasks "values like 50 or 150 might make sense. Say 64, or 128".
    worker_prefetch_multiplier=128,
    # The events of monitors and the remote control would go through the same folder; neither is needed.
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)


@app.task(name="add")
def add(x, y):
    return x + y


def main():
    die_with_parent()
    for path in (messages, results, temp):
        os.makedirs(path, exist_ok=True)
    scenario = {
        "process": process_all,
        "enqueue": enqueue,
        "end-to-end": end_to_end,
        "round-trip": round_trip,
    }[options["scenario"]]
    print(json.dumps(scenario()))


def process_all():
    jobs = min(options.get("jobs", MOST_JOBS), MOST_JOBS)
    group(add.s(i, 1) for i in range(jobs)).apply_async()
    worker = Worker()
    try:
        first, last = finished(jobs, worker)
    finally:
        worker.stop()
    return {"jobs": jobs, "seconds": last - first}


def enqueue():
    jobs, mode = options.get("jobs", MOST_JOBS), options.get("mode", "one")
    if mode == "parallel":
        return {"missing": "Celery's calls block: there is no way to have 500 under way at once"}
    warm_up_jobs = options.get("warmUpJobs", WARM_UP_JOBS)
    add_all = {"one": add_one_by_one, "bulk": add_group}[mode]
    add_all(warm_up_jobs)
    start = time.monotonic()
    ids = add_all(jobs)
    seconds = time.monotonic() - start
    expect(len(set(ids)), jobs, "different ids")
    expect(len(os.listdir(messages)), jobs + warm_up_jobs, "messages")
    return {"jobs": jobs, "seconds": seconds}


def add_one_by_one(jobs):
    return [add.delay(i, 1).id for i in range(jobs)]


def add_group(jobs):
    """The nearest to a call for many: user guide, "Canvas", Groups."""
    return [result.id for result in group(add.s(i, 1) for i in range(jobs)).apply_async().results]


def end_to_end():
    jobs = min(options.get("jobs", MOST_JOBS), MOST_JOBS)
    worker = Worker()
    try:
        warm_up(worker)
        start = time.time()
        group(add.s(i, 1) for i in range(jobs)).apply_async()
        _, last = finished(jobs, worker)
    finally:
        worker.stop()
    return {"jobs": jobs, "seconds": last - start}


def round_trip():
    jobs = min(options.get("jobs", MOST_CALLS), MOST_CALLS)
    times = []
    worker = Worker()
    try:
        for i in range(WARM_UP_CALLS + jobs):
            start = time.monotonic()
            expect(value_of(add.delay(i, 1), worker), i + 1, "value")
            times.append((time.monotonic() - start) * 1000)
    finally:
        worker.stop()
    times = sorted(times[WARM_UP_CALLS:])
    at = lambda share: times[max(0, -(-int(share * 100) * len(times) // 100) - 1)]
    return {"jobs": jobs, "medianMs": at(0.5), "p99Ms": at(0.99)}


def warm_up(worker):
    warm_up_jobs = options.get("warmUpJobs", WARM_UP_JOBS)
    for result in [add.delay(i, 1) for i in range(warm_up_jobs)]:
        value_of(result, worker)
        result.forget()


def value_of(result, worker):
    while True:
        try:
            # AsyncResult.get: `interval` is how long it sleeps between two looks at the result, 0.5 s by default.
            return result.get(timeout=2, interval=0.005)
        except TimeoutError:
            worker.expect_alive()


class Worker:
    """`celery worker` with 2 children, which dies with this process."""

    def __init__(self):
        environment = dict(
            os.environ,
            CELERY_PEER_DIR=folder,
            CELERY_PEER_POLL=str(poll_s),
            PYTHONPATH=os.path.dirname(os.path.abspath(__file__)),
            PYTHONDONTWRITEBYTECODE="1",
            # The transport moves each message to the temporary folder first; on one file system that is a rename.
            TMPDIR=temp,
        )
        flags = ["--concurrency=2", "--loglevel=WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.log = open(os.path.join(folder, "worker.log"), "w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", *flags],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            preexec_fn=die_with_parent,
        )

    def expect_alive(self):
        if self.process.poll() is None:
            return
        self.log.seek(0)
        sys.stderr.write("Celery's worker died: " + self.log.read().strip().split("\n")[-1][:200] + "\n")
        sys.exit(WORKER_DIED)

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_parent():
    """prctl(PR_SET_PDEATHSIG, SIGTERM): so that nothing goes on when the bench is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def finished(jobs, worker):
    """Waits for the results of add(0, 1) … add(jobs - 1, 1); gives when the first and the last were done, in seconds."""
    seen, changed = 0, time.monotonic()
    while True:
        count = sum(name.startswith(PREFIX) for name in os.listdir(results))
        if count >= jobs:
            break
        if count > seen:
            seen, changed = count, time.monotonic()
        worker.expect_alive()
        if time.monotonic() - changed > STALL_S:
            raise SystemExit(f"{seen} of {jobs} jobs finished, and for {STALL_S} s no more")
        time.sleep(0.05)
    done = [read(os.path.join(results, name)) for name in os.listdir(results) if name.startswith(PREFIX)]
    expect(sorted(each["result"] for each in done), list(range(1, jobs + 1)), "values")
    at = sorted(datetime.fromisoformat(each["date_done"] + "+00:00").timestamp() for each in done)
    return at[0], at[-1]


def read(path):
    """A result that is just being written is not JSON yet."""
    for _ in range(100):
        try:
            with open(path) as file:
                return json.load(file)
        except ValueError:
            time.sleep(0.01)
    raise SystemExit(f"{path} does not become JSON")


def expect(actual, expected, what):
    if actual != expected:
        raise SystemExit(f"Expected {str(expected)[:60]} {what}, got {str(actual)[:60]}")


if __name__ == "__main__":
    main()
