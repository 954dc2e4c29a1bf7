"""Django with django-redis, configured as its README says: the cache, its locks, and sessions in it.

client: django-redis
packages: python3-django python3-django-redis
"""
import datetime
import os
import subprocess
import threading
import time

import django
import django_redis
import redis
from django.conf import settings
from django.contrib.sessions.backends import cache as session_backend
from django.core.cache import cache, caches

PLACE = f"redis://{os.environ['ZSCACHE_HOST']}:{os.environ['ZSCACHE_PORT']}"


def backend(database, **options):
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{PLACE}/{database}",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", **options}}


def control(*words):
    subprocess.run([os.environ["ZSCACHE_CONTROL"], *words], check=True, stdout=subprocess.DEVNULL)


def raises(kind, call, *arguments):
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"{kind} was not raised")


def values():
    when = datetime.datetime(2024, 2, 29, 12, 30)
    for value in ("text ü", b"\0\xff\r\n", 42, -1, 2.5, None, True, [1, {"a": (2, 3)}], when, "x" * 500_000):
        assert cache.set("key", value) and cache.get("key", "missing") == value, value
    assert cache.get("nobody") is None and cache.get("nobody", "fallback") == "fallback"
    assert cache.add("added", 1) and not cache.add("added", 2) and cache.get("added") == 1
    assert "added" in cache and cache.has_key("added") and cache.delete("added") and not cache.delete("added")
    assert cache.get_or_set("made", lambda: "by a function", 100) == "by a function"
    assert cache.get_or_set("made", "not used") == "by a function"
    assert cache.set("once", 1, nx=True) and not cache.set("once", 2, nx=True) and cache.get("once") == 1


def counters():
    cache.set("n", 40)
    assert cache.incr("n") == 41 and cache.incr("n", 9) == 50 and cache.decr("n", 8) == 42 and cache.get("n") == 42
    raises(ValueError, cache.incr, "nobody")
    cache.set("brief", 1, timeout=100)
    assert cache.incr("brief") == 2 and 98 <= cache.ttl("brief") <= 100
    cache.set("huge", 2 ** 63)
    assert cache.incr("huge") == 2 ** 63 + 1


def many():
    assert cache.set_many({f"many:{i}": i for i in range(300)}, timeout=100) in ([], None)
    got = cache.get_many([f"many:{i}" for i in range(301)])
    assert len(got) == 300 and got["many:7"] == 7 and cache.ttl("many:7") > 95
    assert len(cache.keys("many:1*")) == 111 and len(set(cache.iter_keys("many:*"))) == 300
    assert cache.delete_pattern("many:1*") == 111 and cache.delete_pattern("many:*", itersize=50) == 189
    cache.set_many({"a": 1, "b": 2})
    assert cache.delete_many(["a", "b", "c"]) == 2 and cache.get_many(["a", "b"]) == {}


def expiry():
    cache.set("forever", 1, timeout=None)
    cache.set("default", 1)
    cache.set("never", 1, timeout=0)
    assert cache.ttl("forever") is None and 298 <= cache.ttl("default") <= 300 and cache.ttl("never") == 0
    assert "never" not in cache
    cache.set("brief", 1, timeout=0.05)
    assert 0 < cache.pttl("brief") <= 50
    time.sleep(0.08)
    assert cache.get("brief") is None
    assert cache.touch("default", 1000) and cache.ttl("default") > 990 and not cache.touch("nobody", 5)
    assert cache.persist("default") and cache.ttl("default") is None
    assert cache.expire("default", 50) and cache.pexpire("default", 20_000) and cache.ttl("default") <= 20
    assert cache.expire_at("default", datetime.datetime.now() + datetime.timedelta(hours=1))
    assert cache.ttl("default") > 3500


def versions():
    cache.set("v", "one", version=1)
    cache.set("v", "two", version=2)
    assert cache.get("v") == "one" and cache.get("v", version=2) == "two"
    assert cache.incr_version("v", version=2) == 3 and cache.get("v", version=3) == "two"
    assert cache.get("v", version=2) is None and cache.decr_version("v", version=3) == 2


def locks():
    inside = []

    def work(number):
        with cache.lock("job", timeout=10, sleep=0.005):
            inside.append(number)
            assert len(inside) == 1
            time.sleep(0.005)
            inside.pop()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mine = cache.lock("held", timeout=0.05)
    assert mine.acquire() and not cache.lock("held", timeout=10, blocking_timeout=0.01).acquire()
    time.sleep(0.07)
    raises(redis.exceptions.LockError, mine.release)
    theirs = cache.lock("held", timeout=10)
    assert theirs.acquire() and theirs.extend(5) and theirs.reacquire() and theirs.owned()
    theirs.release()


def other_configurations():
    squeezed = caches["squeezed"]
    squeezed.set("j", {"list": [1, 2, 3], "text": "x" * 5000})
    assert squeezed.get("j") == {"list": [1, 2, 3], "text": "x" * 5000}
    squeezed.clear()
    assert squeezed.get("j") is None and cache.get("forever") == 1
    raw = django_redis.get_redis_connection("default")
    assert raw.get(cache.make_key("n")) == b"42"


def sessions():
    session = session_backend.SessionStore()
    session["cart"] = {"book": 2}
    session.save()
    again = session_backend.SessionStore(session.session_key)
    assert again["cart"] == {"book": 2} and session.exists(session.session_key)
    again.cycle_key()
    assert again.session_key != session.session_key and not session.exists(session.session_key)
    again.flush()
    assert again.session_key is None


def reconnects():
    cache.set("kept", 1)
    control("restart")
    assert cache.get("kept") is None and cache.set("kept", 2)
    control("stop")
    raises(redis.ConnectionError, cache.get, "kept")
    assert caches["forgiving"].get("kept", "fallback") == "fallback"
    control("start")
    assert cache.get("kept") is None and caches["forgiving"].set("kept", 3)


def main():
    settings.configure(
        CACHES={"default": backend(1), "forgiving": backend(1, IGNORE_EXCEPTIONS=True),
                "squeezed": backend(2, COMPRESSOR="django_redis.compressors.zlib.ZlibCompressor",
                                    SERIALIZER="django_redis.serializers.json.JSONSerializer")},
        SESSION_ENGINE="django.contrib.sessions.backends.cache", USE_TZ=False, SECRET_KEY="for tests only")
    django.setup()
    print(f"version: Django {django.__version__}, django-redis {django_redis.__version__}, redis-py {redis.__version__}")
    for part in (values, counters, many, expiry, versions, locks, other_configurations, sessions):
        part()
    cache.clear()
    assert "forever" not in cache
    reconnects()


main()
