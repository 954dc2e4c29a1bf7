"""redis-py, blocking and with asyncio.

client: redis-py
packages: python3-redis
"""
import asyncio
import os
import subprocess
import threading
import time

import redis
import redis.asyncio

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])
BINARY = bytes(range(256)) * 4 + b"\r\n$-1\r\n"


def control(*words):
    subprocess.run([os.environ["ZSCACHE_CONTROL"], *words], check=True, stdout=subprocess.DEVNULL)


def raises(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind} was not raised")


def strings(r):
    assert r.ping() is True
    assert r.set("name", "zscache") is True
    assert r.get("name") == b"zscache" and r["name"] == b"zscache"
    assert r.set(BINARY[:300], BINARY) and r.get(BINARY[:300]) == BINARY
    assert r.get("nobody") is None
    assert r.mset({"a": 1, "b": 2.5}) and r.mget("a", "nobody", "b") == [b"1", None, b"2.5"]
    assert r.incr("n") == 1 and r.incrby("n", 9) == 10 and r.decr("n", 4) == 6 and r.incrbyfloat("n", 0.5) == 6.5
    assert r.append("name", " holds") == 13 and r.getrange("name", 8, -1) == b"holds" and r.strlen("name") == 13
    assert r.getset("name", "x") == b"zscache holds" and r.getdel("name") == b"x" and not r.exists("name")
    assert "WRONGTYPE" in raises(redis.ResponseError, r.hget, "a", "field")
    assert "unknown command" in raises(redis.ResponseError, r.lpush, "list", 1)


def keys(r):
    assert r.setex("k", 100, "v") and 99 <= r.ttl("k") <= 100
    assert r.pexpire("k", 30) and 0 < r.pttl("k") <= 30
    time.sleep(0.05)
    assert r.get("k") is None and r.ttl("k") == -2
    assert r.set("k", "v", ex=100, nx=True) and r.set("k", "w", nx=True) is None
    assert r.set("k", "w", keepttl=True, get=True) == b"v" and r.ttl("k") > 90
    assert r.getex("k", persist=True) == b"w" and r.ttl("k") == -1
    assert r.expireat("k", int(time.time()) + 50) and r.persist("k")
    for i in range(1000):
        r.set(f"scan:{i}", i)
    assert len(set(r.scan_iter("scan:*", count=100))) == 1000 and len(r.keys("scan:99*")) == 11
    assert r.delete(*[f"scan:{i}" for i in range(500)]) == 500 and r.unlink("scan:500") == 1
    assert r.type("k") == b"string" and r.rename("k", "l") and r.dbsize() > 490
    other = redis.Redis(HOST, PORT, db=3, decode_responses=True)
    other.set("only", "here ü")
    assert other.get("only") == "here ü" and r.get("only") is None
    other.flushdb()
    assert other.dbsize() == 0 and r.get("l") == b"w"


def hashes(r):
    assert r.hset("user:1", mapping={"name": "Ada", "visits": 1, "photo": BINARY}) == 3
    assert r.hgetall("user:1") == {b"name": b"Ada", b"visits": b"1", b"photo": BINARY}
    assert r.hincrby("user:1", "visits", 2) == 3 and r.hmget("user:1", "name", "none") == [b"Ada", None]
    assert r.hdel("user:1", "photo") == 1 and r.hlen("user:1") == 2 and r.hexists("user:1", "name")
    assert dict(r.hscan_iter("user:1")) == {b"name": b"Ada", b"visits": b"3"}


def pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for i in range(2000):
            pipe.set(f"p:{i}", BINARY[:i % 1000]).get(f"p:{i}")
        replies = pipe.execute()
    assert all(replies[0::2]) and [len(value) for value in replies[1::2]] == [i % 1000 for i in range(2000)]
    with r.pipeline(transaction=False) as pipe:
        pipe.set("fine", 1).incr("fine").hget("fine", "f").get("fine")
        replies = pipe.execute(raise_on_error=False)
    assert replies[:2] == [True, 2] and isinstance(replies[2], redis.ResponseError) and replies[3] == b"2"


def threads(r):
    """Many threads share the pool of one client."""
    def work(number):
        for i in range(200):
            r.incr("shared")
            assert r.set(f"t:{number}:{i}", i) and int(r.get(f"t:{number}:{i}")) == i
    all_threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    assert int(r.get("shared")) == 1600


async def asynchronous():
    r = redis.asyncio.Redis(host=HOST, port=PORT)
    await r.set("async", BINARY, ex=10)
    assert await r.get("async") == BINARY
    assert sorted(await asyncio.gather(*[r.incr("gathered") for _ in range(50)])) == list(range(1, 51))
    await r.close()


def server(r):
    info = r.info()
    assert info["redis_version"] and info["role"] == "master" and info["maxmemory"] > 0
    assert r.config_get("maxmemory-policy")["maxmemory-policy"] and r.time()[0] > 0
    assert r.client_setname("tester") and r.client_getname() and r.client_id() > 0 and len(r.client_list()) >= 1
    assert r.memory_usage("a") > 0 and "get" in r.command() and r.command_count() > 50


def password(r):
    """With a password, until the next restart."""
    r.config_set("requirepass", "secret")
    assert "Authentication required" in raises(redis.AuthenticationError, redis.Redis(HOST, PORT).ping)
    assert redis.Redis(HOST, PORT, password="secret").set("k", "v")
    assert redis.Redis.from_url(f"redis://default:secret@{HOST}:{PORT}/0").get("k") == b"v"
    assert "WRONGPASS" in raises(redis.ResponseError, redis.Redis(HOST, PORT, password="wrong").ping)
    control("restart")


def reconnect(r):
    """Connections of the pool that have died are replaced."""
    watching = redis.Redis(HOST, PORT, health_check_interval=1)
    watching.set("a", 1)
    control("restart")
    assert r.get("a") is None and watching.get("a") is None
    control("stop")
    raises(redis.ConnectionError, r.get, "a")
    control("start")
    assert r.set("a", "again") and r.get("a") == b"again"


def main():
    print(f"version: redis-py {redis.__version__}")
    r = redis.Redis(HOST, PORT)
    for part in (strings, keys, hashes, pipelines, threads, server):
        part(r)
    asyncio.run(asynchronous())
    password(r)
    reconnect(r)


main()
