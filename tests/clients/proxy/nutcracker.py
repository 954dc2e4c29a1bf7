"""twemproxy in front of three servers: keys spread by ketama, one server stopped and started during the run.

client: twemproxy (nutcracker)
packages: nutcracker python3-redis
refuses: what twemproxy itself does not pass on: MULTI, SCAN, KEYS, SELECT, INFO and the like
"""
import os
import re
import shutil
import socket
import subprocess
import time

import redis

SERVERS = ("alpha", "beta", "gamma")
KEYS = 3000
CONFIG = """cache:
  listen: 127.0.0.1:{port}
  redis: true
  hash: fnv1a_64
  hash_tag: "{{}}"
  distribution: ketama
  timeout: 1000
  auto_eject_hosts: true
  server_retry_timeout: 500
  server_failure_limit: 1
  servers:
{servers}"""


def control(*words):
    done = subprocess.run([os.environ["ZSCACHE_CONTROL"], *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(what, probe, seconds=20):
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def start_proxy(ports):
    """Starts the proxy; returns its process and the port it listens on."""
    port, folder = free_port(), os.environ["ZSCACHE_FOLDER"]
    lines = "".join(f"   - 127.0.0.1:{ports[name]}:1 {name}\n" for name in SERVERS)
    config = os.path.join(folder, "nutcracker.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(port=port, servers=lines))
    program = shutil.which("nutcracker", path=os.environ["PATH"] + ":/usr/sbin")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    print("version: nutcracker", re.search(r"nutcracker-([\w.+]+)", version.stdout + version.stderr).group(1))
    process = subprocess.Popen([program, "-c", config, "-s", str(free_port()), "-o", os.path.join(folder, "log"),
                                "-m", "16384"], stdin=subprocess.DEVNULL)

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    eventually("the proxy listens", listens)
    return process, port


def passes(cache, direct):
    """What the proxy passes on, and what it takes apart."""
    for i in range(KEYS):
        assert cache.set(f"k:{i}", f"value {i}", ex=100)
    shares = [direct[name].dbsize() for name in SERVERS]
    assert sum(shares) == KEYS and min(shares) > KEYS // 20, shares
    wanted = [f"value {i}".encode() for i in range(KEYS)]
    assert cache.mget([f"k:{i}" for i in range(KEYS)]) == wanted
    assert cache.mset({f"m:{i}": i for i in range(100)}) and cache.delete(*[f"m:{i}" for i in range(100)]) == 100
    assert cache.incr("n") == 1 and cache.set("lock", 1, nx=True, px=5000) and not cache.set("lock", 2, nx=True)
    assert cache.hset("h", mapping={"a": 1, "b": 2}) == 2 and cache.hgetall("h") == {b"a": b"1", b"b": b"2"}
    cache.set("{user:1}:name", "Ada")
    cache.set("{user:1}:age", 36)
    assert sum(direct[name].exists("{user:1}:name", "{user:1}:age") == 2 for name in SERVERS) == 1
    with cache.pipeline(transaction=False) as pipe:
        for i in range(KEYS):
            pipe.get(f"k:{i}")
        assert pipe.execute() == wanted
    assert cache.expire("k:0", 5) and cache.ttl("k:0") <= 5 and cache.touch("k:0", "k:1") == 2
    cache.set("long", "x" * 2_000_000)
    assert cache.get("long") == b"x" * 2_000_000


def get_or_set(cache, key):
    """What an application does that takes errors of the cache for misses. Returns whether it was a hit."""
    try:
        if cache.get(key) is not None:
            return True
        cache.set(key, "made again", ex=100)
    except (redis.ResponseError, redis.ConnectionError, redis.TimeoutError):
        pass
    return False


def survives_a_loss(cache, direct):
    """The proxy takes a server that is gone out of the ring, and in again when it is back. Whenever it tries in
    between whether the server is back, a request fails."""
    keys = [f"k:{i}" for i in range(KEYS)]
    kept = sum(direct[name].exists(*keys) for name in ("alpha", "gamma"))
    assert kept < KEYS
    control("stop", "beta")

    def all_on_the_others():
        for key in keys:
            get_or_set(cache, key)
        return sum(direct[name].exists(*keys) for name in ("alpha", "gamma")) == KEYS
    eventually("alpha and gamma take over the keys of beta", all_on_the_others)
    control("start", "beta")

    def share_is_back():
        for key in keys:
            get_or_set(cache, key)
        return direct["beta"].dbsize() == KEYS - kept
    eventually("beta has its share again", share_is_back)
    assert all(get_or_set(cache, key) for key in keys)


def main():
    ports = {name: int(control("start", name)) for name in SERVERS}
    direct = {name: redis.Redis("127.0.0.1", ports[name]) for name in SERVERS}
    process, port = start_proxy(ports)
    try:
        cache = redis.Redis("127.0.0.1", port, socket_timeout=10)
        passes(cache, direct)
        survives_a_loss(cache, direct)
    finally:
        process.terminate()
        process.wait(10)


main()
