"""redis-py's transactions, locks and scripts.

client: redis-py, transactions and locks
packages: python3-redis
"""
import os
import subprocess
import threading
import time

import redis

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])
LIMITER = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1])}
"""


def raises(kind, call, *arguments):
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"{kind} was not raised")


def transactions(r):
    with r.pipeline() as pipe:
        pipe.set("a", 1).incr("a").hset("h", "f", "v").get("a").hgetall("h")
        assert pipe.execute() == [True, 2, 1, b"2", {b"f": b"v"}]
        pipe.set("a", "text").incr("a").get("a")
        replies = pipe.execute(raise_on_error=False)
        assert replies[0] and isinstance(replies[1], redis.ResponseError) and replies[2] == b"text"
        pipe.set("a", 7).execute_command("NOSUCH", 1)
        raises(redis.ResponseError, pipe.execute)
    assert r.get("a") == b"text"


def optimistic_locking(r):
    with r.pipeline() as pipe:
        pipe.watch("a")
        r.set("a", "changed by another")
        pipe.multi()
        pipe.set("a", "mine")
        raises(redis.WatchError, pipe.execute)
    r.set("sum", 0)

    def add(pipe):
        value = int(pipe.get("sum"))
        pipe.multi()
        pipe.set("sum", value + 1)

    def work():
        for _ in range(50):
            r.transaction(add, "sum")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert r.get("sum") == b"200"


def locks(r):
    total = []

    def work():
        for _ in range(10):
            with r.lock("mutex", timeout=10, sleep=0.002):
                seen = len(total)
                time.sleep(0.001)
                assert len(total) == seen
                total.append(1)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(total) == 40 and r.get("mutex") is None
    lock = r.lock("brief", timeout=0.05)
    assert lock.acquire() and lock.locked() and lock.owned()
    assert lock.extend(0.05, replace_ttl=True)
    time.sleep(0.08)
    raises(redis.exceptions.LockNotOwnedError, lock.release)


def scripts(r):
    limiter = r.register_script(LIMITER)
    for i in range(1, 4):
        count, left = limiter(keys=["rate:ada"], args=[60000])
        assert count == i and 59000 < left <= 60000
    assert r.eval("return {KEYS[1], ARGV[1], 3, false}", 1, b"k\xff", b"\0v") == [b"k\xff", b"\0v", 3, None]
    raises(redis.exceptions.NoScriptError, r.evalsha, "0" * 40, 0)
    raises(redis.ResponseError, r.eval, "return redis.call('nosuch')", 0)
    sha = r.script_load("return 1")
    assert r.script_exists(sha, "0" * 40) == [True, False] and r.evalsha(sha, 0) == 1
    return limiter


def main():
    print(f"version: redis-py {redis.__version__}")
    r = redis.Redis(HOST, PORT)
    transactions(r)
    optimistic_locking(r)
    locks(r)
    limiter = scripts(r)
    # The next server does not know the scripts; the library sends them again.
    subprocess.run([os.environ["ZSCACHE_CONTROL"], "restart"], check=True, stdout=subprocess.DEVNULL)
    assert limiter(keys=["rate:ada"], args=[60000])[0] == 1
    with r.lock("mutex", timeout=10):
        pass


main()
