"""The servers of one test: started, stopped and started again on the port they had."""
import os
import random
import socket
import subprocess
import threading

from . import certificates
from .observe import Observer

START_SECONDS = 30
STOP_SECONDS = 30
# Below the ports that the system gives to outgoing connections: nobody gets the port of a stopped server, and a
# client that tries to reconnect does not connect to itself.
PORTS = range(20000, 32000)
# What is printed once the server listens: the end of our banner; redis-server's, with which a fault of a test can be
# told from one of the server.
READY = ("stop it with", "Ready to accept connections")


class ServerFault(Exception):
    """A server did not start or did not stop as it should."""


def free_port():
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    def __init__(self, program, options=()):
        self.program = program
        self.options = options
        self.port = free_port()
        self.process = None
        self.observer = None
        self.printed = []
        self.commands = set()

    def start(self):
        forget = ["--save", ""] if os.path.basename(self.program) == "redis-server" else []
        self.process = subprocess.Popen(
            [self.program, "--bind", "127.0.0.1", "--port", str(self.port), "--maxmemory", "512mb", *forget,
             *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        up = threading.Event()
        threading.Thread(target=self._read_output, args=(self.process.stdout, up), daemon=True).start()
        if not up.wait(START_SECONDS) or self.process.poll() is not None:
            raise ServerFault("the server did not start")
        self.observer = Observer(self.port)

    def _read_output(self, stream, up):
        for line in stream:
            self.printed.append(line)
            if any(words in line for words in READY):
                up.set()
        up.set()

    def stop(self):
        """Ends the server; it must do so by itself and call it a success."""
        if self.process is None:
            return
        process, self.process = self.process, None
        try:
            if process.poll() is None and self.observer:
                self.commands |= self.observer.commands()
                self.observer.close()
        finally:
            process.terminate()
            status = self._wait(process)
        if status != 0:
            raise ServerFault(f"the server ended with status {status}")

    @staticmethod
    def _wait(process):
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            process.kill()
            raise ServerFault("the server did not stop") from late

    def is_running(self):
        return self.process is not None and self.process.poll() is None


class Servers:
    """The servers of a test by name, and the socket on which the test asks for them (see ../control)."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.by_name = {}
        self.path = os.path.join(folder, "control")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def start(self, name):
        server = self.by_name.setdefault(name, Server(self.program))
        if not server.is_running():
            server.start()
        return server.port

    def start_tls(self):
        """Starts the server `tls`; returns its port for TLS."""
        folder = os.path.join(self.folder, "tls")
        certificates.make(folder)
        port = free_port()
        self.by_name["tls"] = Server(self.program, ["--tls-port", str(port), *certificates.options(folder)])
        self.start("tls")
        return port

    def stop(self, name):
        self.by_name[name].stop()

    def close(self):
        """Stops all; the first fault is raised after the last has stopped."""
        self.listener.close()
        faults = []
        for name in self.by_name:
            try:
                self.stop(name)
            except (ServerFault, OSError) as fault:
                faults.append(fault)
        if faults:
            raise faults[0]

    def commands(self):
        """What clients have sent to any of them."""
        return set().union(*(server.commands for server in self.by_name.values()))

    def printed(self):
        return "".join(line for server in self.by_name.values() for line in server.printed)

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rw") as stream:
                stream.write(self._answer(stream.readline().split()))

    def _answer(self, words):
        action, name = words[0], words[1] if len(words) > 1 else "main"
        try:
            if action in ("stop", "restart"):
                self.stop(name)
            if action in ("start", "restart"):
                return f"ok {self.start(name)}\n"
            if action == "start-tls":
                return f"ok {self.start_tls()}\n"
            return "ok\n"
        except (ServerFault, OSError, KeyError, subprocess.CalledProcessError) as fault:
            return f"failed {fault}\n"
