"""StackExchange.Redis and what ASP.NET keeps in a cache through it (IDistributedCache, HybridCache, sessions), word
by word.

client: StackExchange.Redis and ASP.NET's IDistributedCache
refuses: LockTake and the like work; lists, sets, sorted sets and streams do not
"""
import os
import subprocess
import uuid

from resp import Error, Wire, info

NEW_ITEM = (b"\0CacheItem\xff" * 20, "638700000000000000", "12000000000")  # data, absolute, sliding, in ticks
KEY = "shop:session:1f0c"


def connect(name="WEB01(SE.Redis-v3.1)"):
    """One pipeline; all that counts is the ECHO at its end, which must come back as it was sent."""
    wire = Wire()
    tracer = uuid.UUID(int=0x00FF0D0A00FF0D0A00FF0D0A00FF0D0A).bytes
    replies = wire.ask(["CLIENT", "SETNAME", name], "CLIENT SETINFO lib-name SE.Redis", "CLIENT SETINFO lib-ver 3.1.0",
                       "CLIENT ID", "CONFIG GET timeout", "CONFIG GET replica-read-only", "CONFIG GET databases",
                       "SENTINEL MASTERS", "INFO replication", "INFO server", "CLUSTER NODES",
                       "GET __Booksleeve_TieBreak", ["ECHO", tracer])
    named, lib, version, number, timeout, read_only, databases, sentinel, replication, server, cluster, tie, echo = replies
    assert [named, lib, version] == ["OK"] * 3 and type(number) is int
    assert timeout == [b"timeout", b"0"] and databases == [b"databases", b"16"]
    assert read_only[1] in (b"yes", b"no")
    assert isinstance(sentinel, Error) and isinstance(cluster, Error)  # else it takes the server for a sentinel
    assert info(replication)["role"] == "master"
    assert info(server)["redis_mode"] == "standalone" and info(server)["run_id"] and info(server)["redis_version"]
    assert tie is None and echo == tracer
    return wire


def connect_resp3():
    wire = Wire()
    hello, *rest, echo = wire.ask("HELLO 3", "CLIENT SETNAME WEB01", "CLIENT ID", "CONFIG GET timeout", ["ECHO", b"\0" * 16])
    assert hello[b"proto"] == 3 and rest[2] == {b"timeout": b"0"} and echo == b"\0" * 16
    wire.close()


def subscriber():
    """The second connection, kept alive by PING."""
    wire = Wire()
    assert wire.ask("SUBSCRIBE __Booksleeve_MasterChanged") == [b"subscribe", b"__Booksleeve_MasterChanged", 1]
    assert wire.ask("PING") == [b"pong", b""]
    other = connect()
    assert other.ask(["PUBLISH", "__Booksleeve_MasterChanged", b"127.0.0.1:6379"]) == 1
    assert wire.read() == [b"message", b"__Booksleeve_MasterChanged", b"127.0.0.1:6379"]
    unknown = uuid.uuid4().hex
    assert wire.ask(["UNSUBSCRIBE", unknown]) == [b"unsubscribe", unknown.encode(), 1]
    other.close()
    wire.close()


def distributed_cache(wire):
    """Since .NET 8: HSET and EXPIRE in one pipeline, HMGET, EXPIRE for what is used, UNLINK."""
    data, absolute, sliding = NEW_ITEM
    item = ["HSET", KEY, "absexp", absolute, "sldexp", sliding, "data", data]
    assert wire.ask(item, ["EXPIRE", KEY, 1200]) == [3, 1]
    assert wire.ask(["HMGET", KEY, "absexp", "sldexp", "data"]) == [absolute.encode(), sliding.encode(), data]
    assert wire.ask(["HMGET", KEY, "absexp", "sldexp"], ["EXPIRE", KEY, 600]) == [[absolute.encode(), sliding.encode()], 1]
    assert 595 < wire.ask(["TTL", KEY]) <= 600
    assert wire.ask(["HMGET", "shop:nobody", "absexp", "sldexp", "data"]) == [None, None, None]
    assert wire.ask(["UNLINK", KEY]) == 1 and wire.ask(["DEL", KEY]) == 0


def locks(wire):
    """LockTake, LockExtend and LockRelease: transactions that look at the value first."""
    assert wire.ask("SET lock token NX PX 30000") == "OK" and wire.ask("SET lock other NX PX 30000") is None
    assert wire.ask("WATCH lock", "GET lock") == ["OK", b"token"]
    assert wire.ask("MULTI", "PEXPIRE lock 60000", "EXEC") == ["OK", "QUEUED", [1]]
    assert wire.ask("WATCH lock", "GET lock") == ["OK", b"token"]
    other = connect()
    other.ask("SET lock stolen")
    assert wire.ask("MULTI", "DEL lock", "EXEC") == ["OK", "QUEUED", None]
    other.close()


# Through .NET 7, the same with a script.
SET_SCRIPTS = ["""
                redis.call('%s', KEYS[1], 'absexp', ARGV[1], 'sldexp', ARGV[2], 'data', ARGV[4])
                if ARGV[3] ~= '-1' then
                  redis.call('EXPIRE', KEYS[1], ARGV[3])
                end
                return 1""" % command for command in ("HSET", "HMSET")]


def distributed_cache_by_script(wire):
    data, absolute, sliding = NEW_ITEM
    for script in SET_SCRIPTS:
        sha = wire.ask(["SCRIPT", "LOAD", script])
        assert len(sha) == 40
        assert wire.ask(["EVALSHA", sha, 1, KEY, absolute, sliding, 1200, data]) == 1
        assert wire.ask(["HMGET", KEY, "absexp", "sldexp", "data"]) == [absolute.encode(), sliding.encode(), data]
        assert 1195 < wire.ask(["TTL", KEY]) <= 1200
        assert wire.ask(["EVAL", script, 1, KEY, -1, -1, -1, data], ["DEL", KEY]) == [1, 1]
    return sha


def forgotten_script(sha):
    """The next server does not know the script; the library sends its text when it reads NOSCRIPT."""
    subprocess.run([os.environ["ZSCACHE_CONTROL"], "restart"], check=True, stdout=subprocess.DEVNULL)
    wire = connect()
    reply = wire.ask(["EVALSHA", sha, 1, KEY, -1, -1, -1, b"x"])
    assert isinstance(reply, Error) and reply.startswith("NOSCRIPT ")
    assert wire.ask(["EVAL", SET_SCRIPTS[1], 1, KEY, -1, -1, -1, b"x"]) == 1
    assert wire.ask(["TTL", KEY]) == -1
    wire.close()


print("version: StackExchange.Redis 3.1, Microsoft.Extensions.Caching.StackExchangeRedis 6 to 10")
connect_resp3()
subscriber()
connection = connect()
distributed_cache(connection)
locks(connection)
forgotten_script(distributed_cache_by_script(connection))
