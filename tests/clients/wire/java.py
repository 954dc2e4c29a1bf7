"""Spring's cache and its sessions over lettuce, and locks of Redisson, word by word.

client: Spring Data Redis cache, Spring Session, Redisson's RLock
refuses: RedisIndexedSessionRepository, which keeps its index in sets; use RedisSessionRepository, the default
"""
from resp import Error, Push, Wire

SESSION = "spring:session:sessions:33fdd1b6-b496-4b33-9f7d-df96679d32fe"
SERIALIZED = b"\xac\xed\0\x05sr\0\x11java.lang.Integer\x12\xe2\xa0\xa4\xf7\x81\x878\x02\0\x01I\0\x05valuexr\0\x10"


def connect():
    wire = Wire()
    assert wire.ask("HELLO 3")[b"proto"] == 3
    assert wire.ask("CLIENT SETINFO lib-name Lettuce", "CLIENT SETINFO lib-ver 7.8.0") == ["OK", "OK"]
    assert isinstance(wire.ask("CLIENT MAINT_NOTIFICATIONS on"), Error)
    return wire


def spring_cache(wire):
    """RedisCacheWriter, with and without its lock key."""
    assert wire.ask(["SET", "books::1", SERIALIZED, "PX", 60000], ["GET", "books::1"]) == ["OK", SERIALIZED]
    assert wire.ask(["GETEX", "books::1", "PX", 90000], ["GET", "books::2"]) == [SERIALIZED, None]
    assert wire.ask(["SET", "books::1", b"other", "PX", 60000, "NX"]) is None
    assert wire.ask("EXISTS books~lock") == 0
    assert wire.ask(["SET", "books~lock", b"", "NX"], ["SET", "books~lock", b"", "NX"]) == ["OK", None]
    assert wire.ask("DEL books~lock") == 1
    # clear(): KEYS, or SCAN, and DEL
    wire.ask(*[["SET", f"books::{i}", "x"] for i in range(2, 500)])
    assert len(wire.ask("KEYS books::*")) == 499
    cursor, found = b"0", set()
    while True:
        cursor, keys = wire.ask(["SCAN", cursor, "MATCH", "books::*", "COUNT", 100])
        found.update(keys)
        if cursor == b"0":
            break
    assert len(found) == 499 and wire.ask(["DEL", *sorted(found)]) == 499 and wire.ask("KEYS books::*") == []


def spring_session(wire):
    """RedisSessionRepository: a hash a session."""
    assert wire.ask(["HMSET", SESSION, "lastAccessedTime", SERIALIZED, "maxInactiveInterval", SERIALIZED,
                     "creationTime", SERIALIZED, "sessionAttr:user", b"\0\xff"]) == "OK"
    assert wire.ask(["PEXPIREAT", SESSION, wire_time(wire) + 1_800_000]) == 1
    assert wire.ask(["EXISTS", SESSION]) == 1
    assert wire.ask(["HGETALL", SESSION]) == {b"lastAccessedTime": SERIALIZED, b"maxInactiveInterval": SERIALIZED,
                                              b"creationTime": SERIALIZED, b"sessionAttr:user": b"\0\xff"}
    assert wire.ask(["HSET", SESSION, "sessionAttr:cart", SERIALIZED], ["HDEL", SESSION, "sessionAttr:user"]) == [1, 1]
    assert wire.ask(["EXPIRE", SESSION, 1800], ["RENAME", SESSION, SESSION + "x"]) == [1, "OK"]
    assert wire.ask(["HGETALL", SESSION], ["HEXISTS", SESSION + "x", "sessionAttr:cart"]) == [{}, 1]
    assert 1790 < wire.ask(["TTL", SESSION + "x"]) <= 1800 and wire.ask(["DEL", SESSION + "x"]) == 1


def wire_time(wire):
    seconds, microseconds = wire.ask("TIME")
    return int(seconds) * 1000 + int(microseconds) // 1000


# A lock that may be taken again by who has it: a hash of owners, and a message when it is free.
ACQUIRE = """
if redis.call('exists', KEYS[1]) == 0 or redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  redis.call('hincrby', KEYS[1], ARGV[2], 1)
  redis.call('pexpire', KEYS[1], ARGV[1])
  return nil
end
return redis.call('pttl', KEYS[1])"""
RELEASE = """
if redis.call('hexists', KEYS[1], ARGV[3]) == 0 then return nil end
if redis.call('hincrby', KEYS[1], ARGV[3], -1) > 0 then
  redis.call('pexpire', KEYS[1], ARGV[2])
  return 0
end
redis.call('del', KEYS[1])
redis.call('publish', KEYS[2], ARGV[1])
return 1"""


def redisson_lock(wire):
    listener = connect()
    assert listener.ask("SUBSCRIBE redisson_lock__channel:{job}") == Push([b"subscribe", b"redisson_lock__channel:{job}", 1])
    acquire, release = wire.ask(["SCRIPT", "LOAD", ACQUIRE]), wire.ask(["SCRIPT", "LOAD", RELEASE])

    def take(owner):
        return wire.ask(["EVALSHA", acquire, 1, "job", 30000, owner])

    def give(owner):
        return wire.ask(["EVALSHA", release, 2, "job", "redisson_lock__channel:{job}", 0, 30000, owner])
    assert take("ada:1") is None and take("ada:1") is None and 29000 < take("ben:1") <= 30000
    assert give("ben:1") is None and give("ada:1") == 0 and give("ada:1") == 1
    assert listener.read() == Push([b"message", b"redisson_lock__channel:{job}", b"0"])
    assert take("ben:1") is None
    listener.close()


print("version: Spring Data Redis 4, Spring Session 4, lettuce 7, Redisson 3")
connection = connect()
spring_cache(connection)
spring_session(connection)
redisson_lock(connection)
