"""A connection that sends commands as they are written and returns what came, with the types of the protocol."""
import os
import socket

SECONDS = 10


class Status(str):
    """A simple string."""


class Error(str):
    """An error; as an answer, not an exception."""


class Verbatim(bytes):
    """A verbatim string, without its format."""


class Push(list):
    """A message that nobody asked for."""


class Wire:
    def __init__(self):
        address = (os.environ["ZSCACHE_HOST"], int(os.environ["ZSCACHE_PORT"]))
        self.socket = socket.create_connection(address, SECONDS)
        self.stream = self.socket.makefile("rb")

    def send(self, *commands):
        """Sends commands, given as lists of words or as text, as one pipeline."""
        out = bytearray()
        for command in commands:
            words = command.split() if isinstance(command, str) else command
            out += b"*%d\r\n" % len(words)
            for word in words:
                data = word if isinstance(word, bytes) else str(word).encode()
                out += b"$%d\r\n%b\r\n" % (len(data), data)
        self.socket.sendall(out)

    def ask(self, *commands):
        """Sends commands and returns their replies; of one command, the reply."""
        self.send(*commands)
        replies = [self.read() for _ in commands]
        return replies[0] if len(commands) == 1 else replies

    def read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind in b"+-":
            return (Status if kind == b"+" else Error)(rest.decode())
        if kind == b":":
            return int(rest)
        if kind in b"$=":
            return self._string(int(rest), Verbatim if kind == b"=" else bytes)
        if kind in b"*~>":
            items = None if rest == b"-1" else [self.read() for _ in range(int(rest))]
            return Push(items) if kind == b">" else items
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(rest))}
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        raise ValueError(f"what is {line!r}?")

    def _string(self, length, kind):
        if length < 0:
            return None
        data = self.stream.read(length + 2)[:-2]
        return Verbatim(data[4:]) if kind is Verbatim else data

    def close(self):
        self.stream.close()
        self.socket.close()


def info(text):
    """The fields of INFO."""
    lines = bytes(text).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)
