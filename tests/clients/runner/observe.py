"""What a server saw of its clients: the commands that it carried out."""
import re
import socket

SECONDS = 10
COMMAND = re.compile(r"^cmdstat_([^:]+):calls=(\d+),.*?failed_calls=(\d+)", re.M)


def ask_info(port, section):
    """The text of a section of INFO."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as s:
        s.sendall(f"*2\r\n$4\r\nINFO\r\n${len(section)}\r\n{section}\r\n".encode())
        stream = s.makefile("rb")
        head = stream.readline()
        if not head.startswith(b"$"):
            raise OSError(f"the server answered INFO {section} with {head!r}")
        return stream.read(int(head[1:])).decode(errors="replace")


def commands(port):
    """Names of the commands that clients have sent and that went well at least once, in capitals. Asking counts as an
    INFO."""
    found = set()
    for name, calls, failed in COMMAND.findall(ask_info(port, "commandstats")):
        if int(calls) - (name == "info") > int(failed):
            found.add(name.replace("|", " ").upper())
    return found
