"""dogpile.cache, whose regions let one process make a value while the others wait.

client: dogpile.cache
packages: python3-dogpile.cache python3-redis
"""
import os
import subprocess
import threading
import time
from importlib import metadata

import redis
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE

PLACE = {"host": os.environ["ZSCACHE_HOST"], "port": int(os.environ["ZSCACHE_PORT"])}


def region(**arguments):
    arguments = {**PLACE, "db": 0, "redis_expiration_time": 60, "distributed_lock": True, "thread_local_lock": False,
                 **arguments}
    return make_region().configure("dogpile.cache.redis", expiration_time=30, arguments=arguments)


def values(cache):
    cache.set("key", {"bytes": b"\0\xff", "none": None})
    assert cache.get("key") == {"bytes": b"\0\xff", "none": None} and cache.get("nobody") is NO_VALUE
    cache.set_multi({f"m:{i}": i for i in range(100)})
    assert cache.get_multi([f"m:{i}" for i in range(101)]) == [*range(100), NO_VALUE]
    cache.delete_multi([f"m:{i}" for i in range(50)])
    cache.delete("key")
    assert cache.get("m:49") is NO_VALUE and cache.get("m:50") == 50 and cache.get("key") is NO_VALUE


def one_maker():
    """Regions of several threads, as of several processes: the value is made once."""
    calls, got = [], []

    def make():
        calls.append(1)
        time.sleep(0.05)
        return "made"

    def work():
        got.append(region().get_or_create("shared", make))
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["made"] * 6 and len(calls) == 1, calls


def main():
    print(f"version: dogpile.cache {metadata.version('dogpile.cache')}, redis-py {redis.__version__}")
    cache = region()
    values(cache)
    one_maker()
    decorated = cache.cache_on_arguments()(lambda a, b: a * b)
    assert decorated(6, 7) == 42 and decorated(6, 7) == 42
    subprocess.run([os.environ["ZSCACHE_CONTROL"], "restart"], check=True, stdout=subprocess.DEVNULL)
    assert cache.get("m:50") is NO_VALUE and cache.get_or_create("again", lambda: 1) == 1


main()
