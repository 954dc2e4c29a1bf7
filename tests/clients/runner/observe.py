"""What a server saw of its clients: the commands that it carried out."""
import re
import socket

SECONDS = 10
COMMAND = re.compile(r"^cmdstat_([^:]+):calls=(\d+),.*?failed_calls=(\d+)", re.M)


class Observer:
    """A connection that is there before the clients come, and so may ask even when they have set a password."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.stream = self.socket.makefile("rb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def _info(self, section):
        self.socket.sendall(f"*2\r\n$4\r\nINFO\r\n${len(section)}\r\n{section}\r\n".encode())
        head = self.stream.readline()
        if not head.startswith(b"$"):
            raise OSError(f"the server answered INFO {section} with {head!r}")
        return self.stream.read(int(head[1:]) + 2).decode(errors="replace")

    def commands(self):
        """Names of the commands that clients have sent and that went well at least once, in capitals. Asking counts
        as an INFO."""
        found = set()
        for name, calls, failed in COMMAND.findall(self._info("commandstats")):
            if int(calls) - (name == "info") > int(failed):
                found.add(name.replace("|", " ").upper())
        return found
