"""Flask's extensions: Flask-Caching, Flask-Session and Flask-Limiter.

client: Flask-Caching, Flask-Session, Flask-Limiter
packages: python3-flask-caching python3-flask-session python3-flask-limiter python3-redis
refuses: the moving-window strategy of Flask-Limiter, which keeps lists; fixed-window, the default, works
"""
import os
import subprocess
import time
from importlib import metadata

import flask
import redis
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_session import Session

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])
URL = f"redis://{HOST}:{PORT}"

app = flask.Flask(__name__)
app.config.update(CACHE_TYPE="RedisCache", CACHE_REDIS_URL=f"{URL}/0", SESSION_TYPE="redis",
                  SESSION_REDIS=redis.from_url(f"{URL}/1"))
cache = Cache(app)
Session(app)
limiter = Limiter(get_remote_address, app=app, storage_uri=f"{URL}/2")
made = {"page": 0, "sum": 0}


@app.route("/page")
@cache.cached(timeout=60, query_string=True)
def page():
    made["page"] += 1
    return f"page {made['page']}"


@app.route("/visit")
def visit():
    flask.session["visits"] = flask.session.get("visits", 0) + 1
    return str(flask.session["visits"])


@app.route("/limited")
@limiter.limit("3 per minute")
def limited():
    return "fine"


@cache.memoize(timeout=60)
def add(a, b):
    made["sum"] += 1
    return a + b


def caching():
    browser = app.test_client()
    assert [browser.get("/page").text for _ in range(3)] == ["page 1"] * 3
    assert browser.get("/page?other").text == "page 2"
    with app.app_context():
        assert [add(1, 2), add(1, 2), add(2, 2)] == [3, 3, 4] and made["sum"] == 2
        cache.delete_memoized(add)
        assert add(1, 2) == 3 and made["sum"] == 3
        assert cache.set("key", {"bytes": b"\0\xff", "list": [1, None]}, timeout=1)
        assert cache.get("key") == {"bytes": b"\0\xff", "list": [1, None]} and cache.has("key")
        assert cache.add("added", 1) and not cache.add("added", 2)
        assert cache.set_many({"a": 1, "b": "two"}) and cache.get_many("a", "none", "b") == [1, None, "two"]
        assert cache.delete("a") and cache.delete_many("b", "added") and cache.get_dict("a", "b") == {"a": None, "b": None}
        time.sleep(1.1)
        assert cache.get("key") is None
        assert cache.clear()
    assert browser.get("/page").text == "page 3"


def sessions():
    ada, ben = app.test_client(), app.test_client()
    assert [ada.get("/visit").text for _ in range(3)] == ["1", "2", "3"] and ben.get("/visit").text == "1"
    store = redis.from_url(f"{URL}/1")
    assert len(store.keys("session:*")) >= 2 and store.ttl(store.keys("session:*")[0]) > 1000
    return ada


def limits():
    browser = app.test_client()
    assert [browser.get("/limited").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    with app.app_context():
        limiter.reset()
    assert browser.get("/limited").status_code == 200


def main():
    names = ("Flask-Caching", "Flask-Session", "Flask-Limiter")
    print("version:", ", ".join(f"{name} {metadata.version(name)}" for name in names) + f", redis-py {redis.__version__}")
    caching()
    ada = sessions()
    limits()
    subprocess.run([os.environ["ZSCACHE_CONTROL"], "restart"], check=True, stdout=subprocess.DEVNULL)
    assert ada.get("/visit").text == "1" and ada.get("/visit").text == "2"
    assert ada.get("/page").text == "page 4" and ada.get("/page").text == "page 4"


main()
