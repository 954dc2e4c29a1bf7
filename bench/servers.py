"""The servers that are measured: how each is started, what its memory and its worker threads are."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = {CORES[0]}
LOAD_CORE = {CORES[-1]}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """One process, started on a port of its own and ended by stop(). `cores` None leaves it unpinned."""

    name = ""
    protocol = "resp"
    workers = ".*"  # names of the threads that answer requests

    def __init__(self, cores=None, **settings):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="zscache-bench-")
        self.log = os.path.join(self.folder.name, "log")
        command = self.command(**settings)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder.name, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, cores or set(CORES)))
        self.await_ready()

    def command(self, **settings):
        raise NotImplementedError

    def await_ready(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    time.sleep(0.3)  # what it still allocates while starting belongs to its baseline
                    return
            except OSError:
                time.sleep(0.02)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{text}")

    @property
    def pid(self):
        return self.process.pid

    def rss(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def worker_cpu(self, threads):
        """Nanoseconds of the worker threads and of all, from what the load generator tells."""
        workers = sum(t["ns"] for t in threads if re.fullmatch(self.workers, t["thread"]))
        return workers, sum(t["ns"] for t in threads)


class Redis(Server):
    name = "redis"
    workers = "redis-server"

    def command(self, maxmemory=None, policy=None, threads=1):
        cap = ["--maxmemory", maxmemory, "--maxmemory-policy", policy or "allkeys-lru"] if maxmemory else []
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--loglevel", "warning", "--io-threads", str(threads), *cap]


class Memcached(Server):
    name = "memcached"
    protocol = "memcached"
    workers = "mc-worker"

    def command(self, maxmemory=None, policy=None, threads=1):
        megabytes = maxmemory[:-2] if maxmemory else "65536"
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        return ["memcached", "-p", str(self.port), "-l", "127.0.0.1", "-U", "0", "-t", str(threads), "-m", megabytes,
                "-c", "4096", "-I", "8m", *user]


class Zscache(Server):
    name = "zscache"
    workers = r"(zsc[-_])?worker.*|zscache-server"
    program = "zscache-server"
    options = []  # more options for every start, from the command line

    def command(self, maxmemory=None, policy=None, threads=1):
        cap = ["--maxmemory", maxmemory] if maxmemory else []
        cap += ["--maxmemory-policy", policy] if policy else []
        return [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--threads", str(threads),
                *cap, *self.options]


class Null(Server):
    """Parses and answers, stores nothing: the floor."""

    name = "floor"
    program = "nullserver"

    def command(self, value_length=100):
        return [self.program, str(self.port), str(value_length)]


def available(build):
    """Sets where the project's own programs lie; returns the servers that can be started here."""
    Zscache.program = os.path.join(build, "bin", "zscache-server")
    Null.program = os.path.join(build, "bin", "nullserver")
    programs = {Zscache: Zscache.program, Redis: "redis-server", Memcached: "memcached"}
    return [kind for kind, program in programs.items() if shutil.which(program)]


class Shares:
    """Control groups (version 1, as root) that give each worker thread of some servers a part of a core, so that load
    and workers together have cores enough. `given` tells whether there are such groups here."""

    root = "/sys/fs/cgroup/cpu"
    period_us = 10000

    def __init__(self, started, part):
        self.folders = []
        self.given = os.access(os.path.join(self.root, "cpu.cfs_quota_us"), os.W_OK)
        for server in started if self.given else []:
            self.limit(server, part)

    def limit(self, server, part):
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            with open(f"/proc/{server.pid}/task/{thread}/comm", encoding="utf-8") as file:
                if not re.fullmatch(server.workers, file.read().strip()):
                    continue
            self.folders.append(os.path.join(self.root, f"zscache-bench-{thread}"))
            os.mkdir(self.folders[-1])
            for name, value in (("cpu.cfs_period_us", self.period_us),
                                ("cpu.cfs_quota_us", int(self.period_us * part)), ("tasks", thread)):
                with open(os.path.join(self.folders[-1], name), "w", encoding="ascii") as file:
                    file.write(str(value))

    def remove(self):
        """After the servers have ended."""
        for folder in self.folders:
            os.rmdir(folder)
