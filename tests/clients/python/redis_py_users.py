"""redis-py as users with rules.

client: redis-py, users with rules
packages: python3-redis
"""
import os

import redis

HOST, PORT = os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"])


def connect(**user):
    return redis.Redis(HOST, PORT, **user)


def users(r):
    assert r.acl_setuser("app", enabled=True, passwords=["+secret"], categories=["+@read", "+@write"],
                         commands=["-del"], keys=["app:*"])
    user = r.acl_getuser("app")
    assert user["enabled"] and user["keys"] == ["~app:*"], user
    assert set(user["categories"]) == {"-@all", "+@read", "+@write"} and user["commands"] == ["-del"], user
    assert "app" in r.acl_users() and r.acl_whoami() == "default" and len(r.acl_genpass()) == 64
    assert "string" in r.acl_cat() and "get" in r.acl_cat("string")
    app = connect(username="app", password="secret")
    assert app.set("app:1", "x") and app.get("app:1") == b"x"
    for call in (lambda: app.get("other"), lambda: app.delete("app:1"), lambda: app.config_get("maxmemory")):
        try:
            call()
        except redis.exceptions.NoPermissionError:
            continue
        raise AssertionError("was allowed")
    try:
        connect(username="app", password="wrong").ping()
    except redis.exceptions.RedisError as error:
        assert "WRONGPASS" in str(error), error
    else:
        raise AssertionError("was let in")
    assert {entry["reason"] for entry in r.acl_log()} == {"key", "command", "auth"}
    assert r.acl_deluser("app") == 1


def password(r):
    """A password of the default user: who is in stays in, who comes later must say it."""
    assert r.config_set("requirepass", "secret")
    assert r.get("a") is None
    for wrong in ({}, {"password": "wrong"}):
        try:
            connect(**wrong).get("a")
        except redis.exceptions.RedisError as error:
            assert "NOAUTH" in str(error) or "WRONGPASS" in str(error) or "Authentication required" in str(error), error
        else:
            raise AssertionError("was let in")
    late = connect(password="secret")
    assert late.set("a", "1") and late.acl_whoami() == "default"
    assert late.config_set("requirepass", "")


def main():
    r = connect()
    users(r)
    password(r)
    print(f"version: redis-py {redis.__version__}")


main()
