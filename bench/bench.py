#!/usr/bin/env python3
"""Measures zscache beside redis-server and memcached, started here, in one run. See docs/performance.md.

Servers are pinned to the first core with one worker thread, the load to the last. Nothing is measured that is not
verified: the load generator compares every value that it reads."""
import argparse
import glob
import json
import os
import platform
import subprocess
import sys
import tempfile

import measures
import report
import servers

SECTIONS = ("memory", "cpu", "latency", "hits", "scaling", "cap", "sizes")


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n", maxsplit=1)[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--values", action="append", metavar="PATH",
                        help="file of values, one a line (.zst too), or a folder of them; may be given again "
                             "(default: the sample in bench/sample)")
    parser.add_argument("--keys", type=int, default=0,
                        help="keys obj:0 to obj:N-1 (default: as many as values, a million if those are > 100,000)")
    parser.add_argument("--only", default=",".join(SECTIONS[:-1]), metavar="LIST",
                        help=f"sections, of {','.join(SECTIONS)} (default: all but sizes)")
    parser.add_argument("--servers", default="", metavar="LIST", help="of zscache,redis,memcached (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating runs of which medians are taken (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run (3)")
    parser.add_argument("--settle", type=float, default=10, help="seconds between loading and measuring speed (10)")
    parser.add_argument("--idle", default="0,10,60", metavar="LIST",
                        help="seconds after the load at which memory is read (0,10,60)")
    parser.add_argument("--maxmemory", default="100mb", help="cap of the hit ratio runs (100mb)")
    parser.add_argument("--hit-keys", type=int, default=500000, help="keys of the hit ratio runs (500000)")
    parser.add_argument("--hit-requests", type=int, default=3000000,
                        help="requests measured in them, after as many to warm up (3000000)")
    parser.add_argument("--cap", type=int, default=64, metavar="MIB", help="cap of the section cap (64)")
    parser.add_argument("--cap-times", type=int, default=10, metavar="N",
                        help="how many times as much is written in it (10)")
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000", metavar="LIST",
                        help="numbers of items for the section sizes (10000,100000,1000000,10000000)")
    parser.add_argument("--server-option", action="append", default=[], metavar="'--NAME VALUE'",
                        help="a further option of zscache-server")
    parser.add_argument("--quick", action="store_true", help="a smoke test: short runs, few keys; no numbers to quote")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--output", metavar="FILE", help="write the JSON there as well")
    parser.add_argument("--charts", metavar="FOLDER", help="draw SVG charts there (gnuplot)")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.values = options.values or [os.path.join(here, "sample")]
    if options.quick:
        options.rounds, options.seconds, options.settle, options.idle = 1, 0.3, 0.5, "0,1"
        options.keys = options.keys or 20000
        options.maxmemory, options.hit_keys, options.hit_requests, options.sizes = "20mb", 50000, 100000, "1000,10000"
    return options


def value_files(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(glob.glob(os.path.join(path, "*.jsonl")) + glob.glob(os.path.join(path, "*.jsonl.zst")))
        else:
            yield path


def unpack(path, folder):
    """A plain file of the values, their name, number and mean length."""
    name = os.path.basename(path).split(".")[0]
    plain = path
    if path.endswith(".zst"):
        plain = os.path.join(folder, name)
        subprocess.run(["zstd", "-qdf", path, "-o", plain], check=True)
    count = size = 0
    with open(plain, "rb") as file:
        for line in file:
            count, size = count + 1, size + len(line.rstrip(b"\n"))
    return plain, name, count, size // max(count, 1)


def measure(options, kinds, loader, count, mean):
    wanted = options.only.split(",")
    keys = options.keys or (1000000 if count > 100000 else count)
    found = {"distinct_values": count, "mean_length": mean, "keys": keys}

    def section(name, function, *arguments_):
        if name in wanted:
            print(f"{name} ...", file=sys.stderr)
            found[name] = function(*arguments_)

    section("memory", measures.memory, kinds, loader, keys, [int(wait) for wait in options.idle.split(",")])
    section("cpu", measures.cpu, kinds, loader, keys, options.rounds, options.seconds, options.settle, mean)
    section("latency", measures.latency, kinds, loader, keys, options.rounds, options.seconds, options.settle)
    section("hits", measures.hits, kinds, loader, options.hit_keys, options.maxmemory, options.hit_requests)
    section("scaling", measures.scaling, loader, keys, options.rounds, options.seconds, options.settle)
    section("sizes", measures.sizes, kinds, loader, [int(size) for size in options.sizes.split(",")],
            options.seconds, options.settle)
    return found


def items_per_byte(values):
    """Geometric means over the corpora, for each time at which memory was read."""
    points = {}
    for found in values.values():
        for wait, point in found.get("memory", {}).get("zscache", {}).get("after", {}).items():
            for field in ("items_per_byte_to_redis", "items_per_byte_to_redis_net"):
                if field in point:
                    points.setdefault(wait, {}).setdefault(field, []).append(point[field])
    return {wait: {field: report.geometric_mean(numbers) for field, numbers in fields.items()}
            for wait, fields in points.items()}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {"processor": models[0] if models else platform.machine(), "cores": len(servers.CORES),
            "kernel": platform.release()}


def main():
    options = arguments()
    servers.Zscache.options = [word for option in options.server_option for word in option.split()]
    kinds = servers.available(options.build)
    if options.servers:
        kinds = [kind for kind in kinds if kind.name in options.servers.split(",")]
    results = {"machine": machine(), "rounds": options.rounds, "seconds": options.seconds, "values": {}}
    with tempfile.TemporaryDirectory(prefix="zscache-bench-") as folder:
        for path in value_files(options.values):
            plain, name, count, mean = unpack(path, folder)
            print(f"{name}: {count} values of {mean} bytes", file=sys.stderr)
            loader = measures.Loader(options.build, plain)
            results["values"][name] = measure(options, kinds, loader, count, mean)
        if "cap" in options.only.split(","):
            print("cap ...", file=sys.stderr)
            results["cap"] = measures.cap(kinds, options.build, options.cap << 20, options.cap_times, folder)
    results["items_per_byte"] = items_per_byte(results["values"])
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        report.print_all(results)
    if options.charts:
        report.charts(results, options.charts)


if __name__ == "__main__":
    main()
