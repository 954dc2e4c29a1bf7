"""What client libraries send when they connect, word by word, and the replies that they insist on.

client: on connecting: redis-py 8, node-redis 6, jedis 8, lettuce 7, go-redis 9, redis-client, predis 3, phpredis
"""
from resp import Error, Status, Verbatim, Wire, info

SETINFO = ["CLIENT SETINFO LIB-NAME some-client", "CLIENT SETINFO LIB-VER 1.2.3"]
MAINTENANCE = "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip"


def is_hello(reply, proto):
    """The fields of HELLO are bulk strings, but for the integers proto and id; libraries cast them."""
    fields = reply if proto == 3 else dict(zip(reply[0::2], reply[1::2]))
    assert list(fields) == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"], fields
    assert type(fields[b"version"]) is bytes and int(fields[b"version"].split(b".")[0]) >= 7
    assert fields[b"proto"] == proto and type(fields[b"id"]) is int and fields[b"id"] > 0
    assert (fields[b"mode"], fields[b"role"], fields[b"modules"]) == (b"standalone", b"master", [])


def is_refused(reply, beginning):
    assert isinstance(reply, Error) and reply.startswith(beginning), reply


def redis_py_8():
    wire = Wire()
    hello, maintenance, *rest = wire.ask("HELLO 3", MAINTENANCE, *SETINFO, "SELECT 1", "PING")
    is_hello(hello, 3)
    is_refused(maintenance, "ERR unknown subcommand")
    assert rest == ["OK", "OK", "OK", "PONG"] and all(isinstance(reply, Status) for reply in rest)
    assert wire.ask("GET nobody") is None and wire.ask("HGETALL nobody") == {}
    wire.close()


def node_redis_6():
    wire = Wire()
    replies = wire.ask("HELLO 3 SETNAME app", "SELECT 2", "CLIENT SETINFO LIB-VER 6.3.1",
                       "CLIENT SETINFO LIB-NAME node-redis", MAINTENANCE)
    is_hello(replies[0], 3)
    assert replies[1:4] == ["OK"] * 3
    is_refused(replies[4], "ERR")
    assert wire.ask("CLIENT GETNAME") == b"app"
    wire.close()


def ioredis_6():
    """Asks for INFO before it is ready, and waits while loading is not 0."""
    wire = Wire()
    hello, *rest, text = wire.ask("HELLO 3", "CLIENT SETNAME app", *SETINFO, "INFO")
    is_hello(hello, 3)
    assert rest == ["OK"] * 3 and isinstance(text, Verbatim) and info(text)["loading"] == "0"
    wire.close()


def jedis_8():
    """Falls back to RESP2 on NOPROTO or `ERR unknown command`, nothing else."""
    wire = Wire()
    is_refused(wire.ask("HELLO 4"), "NOPROTO unsupported protocol version")
    is_refused(wire.ask("HELO 3"), "ERR unknown command 'HELO', with args beginning with: '3' ")
    is_hello(wire.ask("HELLO 3"), 3)
    assert wire.ask("CLIENT SETNAME app", "CLIENT SETINFO lib-name jedis(a_b)", "PING") == ["OK", "OK", "PONG"]
    wire.close()


def lettuce_7():
    wire = Wire()
    is_hello(wire.ask("HELLO 3 SETNAME spring"), 3)
    replies = wire.ask("CLIENT SETINFO lib-name Lettuce", "CLIENT SETINFO lib-ver 7.8.0/abc",
                       "CLIENT MAINT_NOTIFICATIONS on", "PING")
    assert replies[:2] == ["OK", "OK"] and replies[3] == "PONG"
    is_refused(replies[2], "ERR")
    wire.close()


def go_redis_9():
    """Connects by a pipeline, and takes any error reply for `not supported`."""
    wire = Wire()
    is_hello(wire.ask("HELLO 3"), 3)
    replies = wire.ask("SELECT 1", "CLIENT SETNAME ring", "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none",
                       "CLIENT SETINFO LIB-NAME go-redis(,go1.22)", "CLIENT SETINFO LIB-VER 9.22.0")
    assert replies[:2] == ["OK", "OK"] and isinstance(replies[2], Error) and replies[3:] == ["OK", "OK"]
    wire.close()


def predis_3():
    """HELLO 2 answers a flat array, in which it looks for the id."""
    wire = Wire()
    hello, *rest = wire.ask("HELLO 2 SETNAME predis", *SETINFO, "SELECT 1")
    is_hello(hello, 2)
    assert rest == ["OK"] * 3
    wire.close()


def phpredis_persistent():
    """Sees by an ECHO whether a connection from the pool is alive and in step."""
    wire = Wire()
    assert wire.ask(["ECHO", b"\0\xff phpredis_65f"]) == b"\0\xff phpredis_65f"
    refused = wire.ask("AUTH secret")
    assert refused == "OK" or refused.startswith("ERR AUTH <password> called without any password configured")
    wire.close()


def pool_reset():
    """What pools send before they give a connection to somebody else."""
    wire = Wire()
    assert wire.ask("HELLO 3 SETNAME mine", "SELECT 5", "RESET")[2] == "RESET"
    assert wire.ask("CLIENT GETNAME") in (None, b"") and wire.ask("GET nobody") is None
    assert b"db=0" in wire.ask("CLIENT INFO") and b"resp=2" in wire.ask("CLIENT INFO")
    assert wire.ask("QUIT") == "OK"
    wire.close()


def inline():
    """Health checks of load balancers: PING as a line of text."""
    wire = Wire()
    wire.socket.sendall(b"PING\r\n")
    assert wire.read() == "PONG"
    wire.close()


print("version: sent as these versions do")
for sequence in (redis_py_8, node_redis_6, ioredis_6, jedis_8, lettuce_7, go_redis_9, predis_3, phpredis_persistent,
                 pool_reset, inline):
    sequence()
