"""Certificates for a test that speaks TLS: an authority, one for the server, one for its clients."""
import os
import subprocess

# Small keys of elliptic curves, since they are made for each test.
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make(folder):
    """Writes ca.crt, server.crt, server.key, client.crt and client.key."""
    os.makedirs(folder)
    openssl(folder, "req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test CA")
    with open(os.path.join(folder, "names"), "w", encoding="utf-8") as names:
        names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl(folder, "req", "-new", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.crt")


def options(folder):
    """What a server needs to show its certificate and to ask its clients for theirs."""
    return ["--tls-cert-file", os.path.join(folder, "server.crt"), "--tls-key-file", os.path.join(folder, "server.key"),
            "--tls-ca-cert-file", os.path.join(folder, "ca.crt")]
