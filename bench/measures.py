"""What is measured. Each function returns plain dictionaries that become the JSON."""
import base64
import json
import os
import random
import statistics
import subprocess
import time

import servers
from servers import LOAD_CORE, SERVER_CORE


class Loader:
    """Runs the load generator against a server."""

    def __init__(self, build, values):
        self.program = os.path.join(build, "bin", "loadgen")
        self.values = values

    def run(self, server, *arguments, cores=LOAD_CORE):
        command = [self.program, "--port", str(server.port), "--proto", server.protocol, "--values", self.values,
                   "--pid", str(server.pid), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if not done.stdout:
            raise RuntimeError(f"the load on {server.name} failed: {' '.join(command)}")
        result = json.loads(done.stdout)
        if result["wrong"] and not isinstance(server, servers.Null):
            raise RuntimeError(f"{server.name} gave {result['wrong']} values that are not the key's")
        workers, process = server.worker_cpu(result.pop("cpu"))
        count = max(result["requests"], 1)
        result["worker_ns_per_op"] = workers / count
        result["process_ns_per_op"] = process / count
        return result

    def fill(self, server, keys):
        return self.run(server, "--load", "--keys", keys, "--pipeline", 32, "--connections", 8)


EMPTY_REST = 3  # seconds


def memory(kinds, loader, keys, waits):
    """Bytes of RSS an item, in total and without the empty server, after each of `waits` seconds of idling."""
    table = {}
    for kind in kinds:
        with kind(SERVER_CORE) as server:
            time.sleep(EMPTY_REST)  # zscache gives back what only starting needed
            empty = server.rss()
            loader.fill(server, keys)
            start = time.monotonic()
            row = {"empty_rss": empty, "after": {}}
            for wait in waits:
                time.sleep(max(0, start + wait - time.monotonic()))
                rss = server.rss()
                row["after"][str(wait)] = {"rss": rss, "total": rss / keys, "net": (rss - empty) / keys}
            check = loader.run(server, "--keys", keys, "--seconds", 1, "--warmup", 0, "--pipeline", 32)
            row["lost"] = check["misses"]
            table[kind.name] = row
    for row in table.values():
        for wait, point in row["after"].items():
            if "redis" in table:
                peer = table["redis"]["after"][wait]
                point["items_per_byte_to_redis"] = peer["total"] / point["total"]
                point["items_per_byte_to_redis_net"] = peer["net"] / point["net"]
    return table


WORKLOADS = {
    "get": ("--gets", 100),
    "set": ("--gets", 0),
    "mix": ("--gets", 90, "--zipf", 0.9),
}


def medians(runs):
    """The median of every number over the runs of one cell."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def alternate(started, rounds, measure):
    """measure(server) for each server in turn, `rounds` times; medians by name."""
    runs = {server.name: [] for server in started}
    for turn in range(rounds):
        # the order turns round, so that nobody always follows the same neighbour
        for server in started[turn % len(started):] + started[:turn % len(started)]:
            runs[server.name].append(measure(server))
    return {name: medians(found) for name, found in runs.items()}


class Started:
    """All kinds side by side, filled with the same keys."""

    def __init__(self, kinds, loader, keys, settle, value_length=None):
        self.kinds, self.loader, self.keys, self.settle = kinds, loader, keys, settle
        self.value_length = value_length
        self.servers = []

    def __enter__(self):
        try:
            for kind in self.kinds:
                self.servers.append(kind(SERVER_CORE))
                self.loader.fill(self.servers[-1], self.keys)
            if self.value_length is not None:
                self.servers.append(servers.Null(SERVER_CORE, value_length=self.value_length))
        except BaseException:
            self.__exit__()
            raise
        time.sleep(self.settle)
        return self.servers

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()


def cpu(kinds, loader, keys, rounds, seconds, settle, value_length):
    """Operations a second and processor time an operation."""
    table = {}
    with Started(kinds, loader, keys, settle, value_length) as started:
        for workload, arguments in WORKLOADS.items():
            for pipeline in (1, 32):
                table[f"{workload} P{pipeline}"] = alternate(started, rounds, lambda server: loader.run(
                    server, *arguments, "--keys", keys, "--pipeline", pipeline, "--seconds", seconds))
    return table


def latency(kinds, loader, keys, rounds, seconds, settle):
    """Latency without pipelining, while writes keep the compression busy."""
    table = {}
    with Started(kinds, loader, keys, settle) as started:
        for connections in (8, 64):
            table[f"{connections} connections"] = alternate(started, rounds, lambda server: loader.run(
                server, *WORKLOADS["mix"], "--keys", keys, "--connections", connections, "--seconds", seconds))
    return table


def hits(kinds, loader, keys, maxmemory, requests):
    """Misses of a read-through client under Zipf at the same cap, after as many requests to warm up."""
    table = {}
    for kind in kinds:
        for policy in ("allkeys-lru", "allkeys-lfu") if kind is servers.Redis else (None,):
            with kind(SERVER_CORE, maxmemory=maxmemory, policy=policy) as server:
                run = loader.run(server, "--read-through", "--zipf", 0.9, "--keys", keys, "--pipeline", 8,
                                 "--connections", 8, "--requests", requests, "--warmup-requests", requests)
                table[" ".join(filter(None, (kind.name, policy)))] = {
                    "miss_ratio": run["misses"] / max(1, run["hits"] + run["misses"]), "rss": server.rss(),
                    "process_ns_per_op": run["process_ns_per_op"]}
    best = min((row["miss_ratio"] for name, row in table.items() if not name.startswith("zscache")), default=None)
    if best and "zscache" in table:
        table["zscache"]["misses_to_best_peer"] = table["zscache"]["miss_ratio"] / best
    return table


# Lengths of values, phase by phase: each is the worst case for what the phase before has left in the pool.
CAP_PHASES = ((16, 400), (3000, 9000), (20000, 60000), (100, 160), (16, 60000), (800, 1200))


def value_file(path, shortest, longest, total, seed):
    """Writes values of shifting lengths, half of them text that shrinks, half of them noise; returns how many."""
    draw = random.Random(seed)
    words = [f"{draw.getrandbits(40):x}" for _ in range(500)]
    count = 0
    with open(path, "w", encoding="ascii") as file:
        while total > 0:
            length = draw.randint(shortest, longest)
            if count % 2:
                text = " ".join(draw.choices(words, k=length // 9 + 1))[:length]
            else:
                text = base64.b85encode(draw.randbytes(length))[:length].decode("ascii")
            file.write(text + "\n")
            total -= length
            count += 1
    return count


def cap(kinds, build, maxmemory, times, folder):
    """RSS against the limit, sampled every 100 ms, while `times` the cap is written in values of shifting sizes."""
    limit = int(maxmemory * 1.05) + (16 << 20)
    path = os.path.join(folder, "shifting")
    loader = Loader(build, path)
    started, watches, errors = [], [], {}
    try:
        for kind in kinds:
            started.append(kind(SERVER_CORE, maxmemory=f"{maxmemory >> 20}mb"))
            watches.append(subprocess.Popen(
                [os.path.join(build, "bin", "rss_watch"), str(started[-1].pid), str(limit), "100", "0"],
                stdout=subprocess.PIPE, text=True))
        for number, (shortest, longest) in enumerate(CAP_PHASES):
            keys = value_file(path, shortest, longest, maxmemory * times // len(CAP_PHASES), number)
            for server in started:
                runs = (loader.fill(server, keys), loader.run(server, *WORKLOADS["mix"], "--keys", keys, "--seconds", 1))
                errors[server.name] = errors.get(server.name, 0) + sum(run["errors"] for run in runs)
    finally:
        for server in started:
            server.stop()
    return {server.name: {**json.loads(watch.communicate()[0]), "errors": errors[server.name]}
            for server, watch in zip(started, watches)}


WORKER_PART = 0.35  # of a core, so that two workers leave more than a core to their load


def scaling(loader, keys, rounds, seconds, settle):
    """One worker against two. With fewer than four cores each worker gets only a part of one, where that can be had;
    else the load takes its share of theirs, and the throughput tells little. The load compares no values: it is not to
    be the bottleneck."""
    started = []
    shares = None
    try:
        for threads in (1, 2):
            started.append(servers.Zscache(threads=threads))
            started[-1].name = str(threads)
            loader.fill(started[-1], keys)
        time.sleep(2 * settle)
        shares = servers.Shares(started if len(servers.CORES) < 4 else [], WORKER_PART)
        table = {}
        for workload in ("get", "set"):
            row = alternate(started, rounds, lambda server: loader.run(
                server, *WORKLOADS[workload], "--unverified", "--keys", keys, "--pipeline", 32, "--connections", 16,
                "--seconds", seconds, cores=set(servers.CORES)))
            table[workload] = {"runs": row, "throughput": row["2"]["ops_per_s"] / row["1"]["ops_per_s"],
                               "cpu_per_op": row["2"]["worker_ns_per_op"] / row["1"]["worker_ns_per_op"],
                               "enough_cores": len(servers.CORES) >= 4 or shares.given}
    finally:
        for server in started:
            server.stop()
        if shares is not None:
            shares.remove()
    return table


def sizes(kinds, loader, counts, seconds, settle):
    """Processor time of the worker threads an operation as the number of items grows."""
    table = {}
    for count in counts:
        table[str(count)] = {}
        for kind in kinds:
            with kind(SERVER_CORE) as server:
                loader.fill(server, count)
                time.sleep(settle)
                table[str(count)][kind.name] = {
                    workload: loader.run(server, *WORKLOADS[workload], "--keys", count, "--pipeline", 32,
                                         "--seconds", seconds)["worker_ns_per_op"] for workload in ("get", "set")}
    return table
