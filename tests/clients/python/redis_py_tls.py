"""redis-py and redis-cli over TLS, with certificates on both sides.

client: redis-py and redis-cli over TLS
packages: python3-redis redis-tools openssl
"""
import os
import subprocess

import redis

CERTIFICATES = os.path.join(os.environ["ZSCACHE_FOLDER"], "tls")


def control(*words):
    done = subprocess.run([os.environ["ZSCACHE_CONTROL"], *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def file(name):
    return os.path.join(CERTIFICATES, name)


def refused(client):
    try:
        client.ping()
    except redis.ConnectionError:
        return True
    return False


def cli(port, *words):
    done = subprocess.run(["redis-cli", "-p", str(port), "--tls", "--cacert", file("ca.crt"), "--cert",
                           file("client.crt"), "--key", file("client.key"), *words], capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


def main():
    print(f"version: redis-py {redis.__version__}, {cli_version()}")
    port = int(control("start-tls"))
    known = {"host": "localhost", "port": port, "ssl": True, "ssl_ca_certs": file("ca.crt")}
    r = redis.Redis(**known, ssl_certfile=file("client.crt"), ssl_keyfile=file("client.key"))
    value = os.urandom(3_000_000)
    assert r.set("long", value) and r.get("long") == value
    with r.pipeline(transaction=False) as pipe:
        for i in range(2000):
            pipe.set(f"p:{i}", i).get(f"p:{i}")
        assert pipe.execute()[1::2] == [str(i).encode() for i in range(2000)]
    assert cli(port, "get", "p:7") == "7"
    assert refused(redis.Redis(**known))  # shows no certificate
    assert refused(redis.Redis(port=port))  # speaks no TLS
    assert refused(redis.Redis(host="localhost", port=port, ssl=True))  # does not know the authority
    control("restart", "tls")
    assert r.get("p:7") is None and r.set("p:7", "again")


def cli_version():
    return subprocess.run(["redis-cli", "--version"], capture_output=True, text=True, check=True).stdout.strip()


main()
