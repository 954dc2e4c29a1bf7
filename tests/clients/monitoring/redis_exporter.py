"""Prometheus's redis_exporter: every scrape works, its log stays clean, and the numbers are those of the server.

client: redis_exporter
packages: prometheus-redis-exporter
"""
import os
import re
import socket
import subprocess
import time
import urllib.request

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])
LOG = os.path.join(os.environ["ZSCACHE_FOLDER"], "exporter.log")
PROGRAM = "prometheus-redis-exporter"
START_SECONDS = 20


def ask(*commands):
    """Sends inline commands and reads a line of reply for each."""
    with socket.create_connection((HOST, PORT)) as s:
        s.sendall("".join(command + "\r\n" for command in commands).encode())
        stream = s.makefile("rb")
        return [stream.readline().strip().decode() for _ in commands]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scrape(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith("redis_"))


def first_scrape(port, exporter):
    """The exporter tells nobody when it listens."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return scrape(port)
        except OSError:
            assert exporter.poll() is None and time.monotonic() < end, open(LOG).read()
            time.sleep(0.05)


def check(metrics):
    def number(name):
        return float(metrics[f"redis_{name}"])

    assert number("up") == 1 and number('exporter_last_scrape_error{err=""}') == 0
    assert number("connected_clients") >= 1 and number("config_maxclients") > 0
    assert number("memory_used_bytes") > 0 and number("memory_max_bytes") > 0
    assert number('commands_total{cmd="get"}') == 2 and number('commands_total{cmd="set"}') == 2
    assert number('commands_failed_calls_total{cmd="incr"}') == 1
    assert number('commands_rejected_calls_total{cmd="get"}') == 1
    assert number('commands_duration_seconds_total{cmd="set"}') > 0
    assert number('latency_percentiles_usec{cmd="set",quantile="99"}') > 0
    assert number('latency_percentiles_usec_count{cmd="set"}') == 2
    assert number('errors_total{err="ERR"}') == 2
    assert number("keyspace_hits_total") == 1 and number("keyspace_misses_total") == 1
    assert number('db_keys{db="db0"}') == 2 and number('db_keys_expiring{db="db0"}') == 1
    assert number('db_keys{db="db15"}') == 0
    assert 0 <= number('db_avg_ttl_seconds{db="db0"}') <= 100  # from a sample of the keys
    assert number("slowlog_length") >= 7 and number("slowlog_last_id") >= 6
    assert any(name.startswith("redis_instance_info{") and 'role="master"' in name for name in metrics)


assert ask("CONFIG SET slowlog-log-slower-than 0", "SET a x", "SET b y EX 100", "GET a", "GET nobody",
           "INCR a", "GET") == ["+OK", "+OK", "+OK", "$1", "x", "$-1", "-ERR value is not an integer or out of range"]
where = free_port()
with open(LOG, "w") as log:
    exporter = subprocess.Popen([PROGRAM, f"--redis.addr=redis://{HOST}:{PORT}",
                                 f"--web.listen-address=127.0.0.1:{where}"], stdout=log, stderr=log)
try:
    check(first_scrape(where, exporter))
    for _ in range(5):
        assert scrape(where)["redis_up"] == "1"
finally:
    exporter.terminate()
    exporter.wait()
printed = open(LOG).read()
assert not re.search(r"level=(warning|error|fatal)", printed), printed
version = re.search(r"Redis Metrics Exporter (\S+)", printed)
print(f"version: redis_exporter {version.group(1)}")
