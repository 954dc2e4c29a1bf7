"""Results as text tables and as SVG charts drawn by gnuplot."""
import math
import os
import subprocess


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def table(title, columns, rows):
    print(f"\n{title}")
    width = max(len(row[0]) for row in rows)
    print(f"  {'':{width}}" + "".join(f"{column:>18}" for column in columns))
    for row in rows:
        print(f"  {row[0]:{width}}" + "".join(f"{cell:>18}" for cell in row[1:]))


def ratio(name, row, field):
    """A number beside its ratio to Redis."""
    value = row[name][field]
    text = f"{value:.0f}"
    if name != "redis" and "redis" in row and row["redis"][field]:
        text += f" ({value / row['redis'][field]:.2f})"
    return text


def print_memory(corpus, result):
    waits = list(next(iter(result.values()))["after"])
    table(f"{corpus}: bytes of RSS an item, total (without the empty server), seconds after the load",
          [f"{wait} s" for wait in waits] + ["items per byte"],
          [[name, *(f"{row['after'][wait]['total']:.1f} ({row['after'][wait]['net']:.1f})" for wait in waits),
            f"{row['after'][waits[-1]].get('items_per_byte_to_redis', 0):.2f} x redis"]
           for name, row in result.items()])


def print_cells(corpus, what, result, fields):
    for field, meaning in fields:
        names = list(next(iter(result.values())))
        table(f"{corpus}: {what}, {meaning} (ratio to Redis)", names,
              [[cell, *(ratio(name, row, field) for name in names)] for cell, row in result.items()])


def print_hits(corpus, result):
    table(f"{corpus}: misses of a read-through client under Zipf 0.9 at the same cap",
          ["misses", "RSS MiB", "ns an op"],
          [[name, f"{row['miss_ratio']:.4f}", f"{row['rss'] / 2**20:.0f}", f"{row['process_ns_per_op']:.0f}"]
           for name, row in result.items()])
    if "misses_to_best_peer" in result.get("zscache", {}):
        print(f"  misses of zscache to those of the best peer: {result['zscache']['misses_to_best_peer']:.2f}")


def print_scaling(corpus, result):
    table(f"{corpus}: from one worker to two", ["throughput", "worker ns an op"],
          [[workload, f"x {row['throughput']:.2f}", f"x {row['cpu_per_op']:.2f}"] for workload, row in result.items()])
    if not all(row["enough_cores"] for row in result.values()):
        print("  (two cores for two workers and their load: the throughput tells little)")


def print_sizes(corpus, result):
    names = list(next(iter(result.values())))
    table(f"{corpus}: ns of the worker threads a GET / a SET by number of items", names,
          [[count, *(f"{row[name]['get']:.0f} / {row[name]['set']:.0f}" for name in names)]
           for count, row in result.items()])


def print_all(results):
    for corpus, found in results["values"].items():
        if "memory" in found:
            print_memory(corpus, found["memory"])
        if "cpu" in found:
            print_cells(corpus, "speed", found["cpu"], [
                ("ops_per_s", "operations a second"), ("worker_ns_per_op", "ns of the worker threads an operation"),
                ("process_ns_per_op", "ns of the whole process an operation")])
        if "latency" in found:
            print_cells(corpus, "no pipeline", found["latency"], [("p50_us", "p50 in us"), ("p99_us", "p99 in us")])
        for name, show in (("hits", print_hits), ("scaling", print_scaling), ("sizes", print_sizes)):
            if name in found:
                show(corpus, found[name])
    for name, found in results.get("cap", {}).items():
        print(f"\ncap: {name}: RSS at most {found['highest'] / 2**20:.1f} MiB, wanted at most "
              f"{found['limit'] / 2**20:.1f} MiB; {found['over']} of {found['samples']} samples over it; "
              f"{found['errors']} errors")
    for wait, means in results.get("items_per_byte", {}).items():
        print(f"\nitems per byte of RSS against Redis {wait} s after the load, geometric mean: "
              f"{means['items_per_byte_to_redis']:.2f} ({means['items_per_byte_to_redis_net']:.2f} "
              "without the empty servers)")


# --- charts ---------------------------------------------------------------------------------------------------------

STYLE = """set terminal svg size 720,400 font "sans-serif,13" background rgb "white"
set style fill solid 0.9 border -1
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside top center horizontal
set linetype 1 lc rgb "#2a6f97"
set linetype 2 lc rgb "#c1121f"
set linetype 3 lc rgb "#8d99ae"
set linetype 4 lc rgb "#e9c46a"
"""


def draw(path, commands):
    subprocess.run(["gnuplot"], input=f'{STYLE}set output "{path}"\n{commands}\n', text=True, check=True)


def bars(path, title, label, names, rows):
    """Clustered bars: rows is [(group, [a number for each name])]."""
    lines = ["$data << END", "x " + " ".join(f'"{name}"' for name in names)]
    lines += [f'"{group}" ' + " ".join(f"{number:.6g}" for number in numbers) for group, numbers in rows]
    lines += ["END", "set style data histograms", "set style histogram clustered gap 1", f'set title "{title}"',
              f'set ylabel "{label}"', "set yrange [0:*]",
              "plot " + ", ".join(f"$data using {i + 2}:xtic(1) title columnheader lt {i + 1}"
                                  for i in range(len(names)))]
    draw(path, "\n".join(lines))


def curves(path, title, names, table_):
    lines = []
    for i, name in enumerate(names):
        lines += [f"$d{i} << END", *(f"{count} {row[name]['get']:.6g}" for count, row in table_.items()), "END"]
    lines += ["set logscale x", 'set format x "10^{%L}"', f'set title "{title}"', 'set xlabel "items"',
              'set ylabel "ns of the worker threads a GET"', "set yrange [0:*]",
              "plot " + ", ".join(f'$d{i} with linespoints lw 2 pt 7 lt {i + 1} title "{name}"'
                                  for i, name in enumerate(names))]
    draw(path, "\n".join(lines))


def charts(results, folder):
    os.makedirs(folder, exist_ok=True)
    values = results["values"]

    def rows(section, pick):
        return [(corpus, pick(found[section])) for corpus, found in values.items() if section in found]

    memory = rows("memory", lambda table_: [list(row["after"].values())[-1]["total"] for row in table_.values()])
    if memory:
        names = list(next(found["memory"] for found in values.values() if "memory" in found))
        bars(f"{folder}/memory.svg", "RSS an item, relative to Redis", "Redis = 1", names,
             [(corpus, [number / numbers[names.index("redis")] for number in numbers] if "redis" in names else numbers)
              for corpus, numbers in memory])
    misses = rows("hits", lambda table_: [100 * row["miss_ratio"] for row in table_.values()])
    if misses:
        names = list(next(found["hits"] for found in values.values() if "hits" in found))
        bars(f"{folder}/misses.svg", "Misses at the same cap, Zipf 0.9", "% of reads", names, misses)
    for corpus, found in values.items():
        if "cpu" in found:
            names = list(next(iter(found["cpu"].values())))
            bars(f"{folder}/cpu-{corpus}.svg", f"Processor time an operation ({corpus}, pipeline 32)", "ns", names,
                 [(cell.split()[0].upper(), [row[name]["process_ns_per_op"] for name in names])
                  for cell, row in found["cpu"].items() if cell.endswith("P32")])
        if "sizes" in found:
            curves(f"{folder}/sizes-{corpus}.svg", f"Cost by number of items ({corpus}, pipeline 32)",
                   list(next(iter(found["sizes"].values()))), found["sizes"])
