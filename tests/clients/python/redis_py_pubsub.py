"""redis-py's subscriptions: messages, patterns, events of keys, what others do.

client: redis-py, publish and subscribe
packages: python3-redis
"""
import os
import subprocess
import time

import redis

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])


def next_message(subscription, seconds=10):
    """The next message that is not about subscribing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        message = subscription.get_message(ignore_subscribe_messages=True, timeout=0.1)
        if message:
            return message
    raise AssertionError("no message came")


def messages(r):
    with r.pubsub() as s:
        s.subscribe("news", "weather")
        s.psubscribe("user:*")
        for _ in range(3):
            assert s.get_message(timeout=10)["type"] in ("subscribe", "psubscribe")
        assert r.publish("news", b"\0binary\xff") == 1 and r.publish("user:1", "hello") == 1
        assert r.publish("nobody", "hears") == 0
        got = next_message(s)
        assert (got["type"], got["channel"], got["data"]) == ("message", b"news", b"\0binary\xff")
        got = next_message(s)
        assert (got["type"], got["pattern"], got["channel"]) == ("pmessage", b"user:*", b"user:1")
        assert r.pubsub_numsub("news", "nobody") == [(b"news", 1), (b"nobody", 0)]
        assert sorted(r.pubsub_channels()) == [b"news", b"weather"] and r.pubsub_numpat() == 1
        s.unsubscribe("news")
        assert s.get_message(timeout=10)["type"] == "unsubscribe" and r.publish("news", "x") == 0
        s.ping("still there?")
        assert s.get_message(timeout=10)["type"] == "pong"


def in_a_thread(r):
    got = []
    with r.pubsub(ignore_subscribe_messages=True) as s:
        s.subscribe(jobs=lambda message: got.append(message["data"]))
        thread = s.run_in_thread(sleep_time=0.01, daemon=True)
        while r.pubsub_numsub("jobs")[0][1] == 0:
            time.sleep(0.005)
        for i in range(100):
            r.publish("jobs", i)
        end = time.monotonic() + 10
        while len(got) < 100 and time.monotonic() < end:
            time.sleep(0.005)
        thread.stop()
        thread.join()
    assert got == [str(i).encode() for i in range(100)]


def events_of_keys(r):
    assert r.config_set("notify-keyspace-events", "KEA")
    with r.pubsub() as s:
        s.psubscribe("__keyevent@0__:*")
        s.get_message(timeout=10)
        r.set("k", "v", px=30)
        events = [next_message(s) for _ in range(3)]
    assert [event["channel"].rsplit(b":")[-1] for event in events] == [b"set", b"expire", b"expired"]
    assert {event["data"] for event in events} == {b"k"}


def monitor(r):
    with r.monitor() as commands:
        r.set("watched", b"\0v")
        seen = commands.next_command()
        assert seen["command"] == "SET watched \\x00v" and seen["db"] == 0, seen


def reconnects(r):
    with r.pubsub() as s:
        s.subscribe("news")
        s.get_message(timeout=10)
        subprocess.run([os.environ["ZSCACHE_CONTROL"], "restart"], check=True, stdout=subprocess.DEVNULL)
        try:
            s.get_message(timeout=10)
            raise AssertionError("the loss was not noticed")
        except redis.ConnectionError:
            pass
        s.get_message(timeout=10)  # connects and subscribes again
        assert r.pubsub_numsub("news") == [(b"news", 1)]
        r.publish("news", "of the new server")
        assert next_message(s)["data"] == b"of the new server"


def main():
    print(f"version: redis-py {redis.__version__}")
    r = redis.Redis(HOST, PORT)
    messages(r)
    in_a_thread(r)
    events_of_keys(r)
    monitor(r)
    reconnects(r)


main()
