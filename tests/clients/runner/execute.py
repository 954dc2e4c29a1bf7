"""Runs one test: its server, its process, its time limit, and what the server saw of it."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from . import cases
from .servers import ServerFault, Servers

SECONDS = 120
VERSION = re.compile(r"^version: (.*)$", re.M)
SANITIZER = re.compile(r"(Address|Thread|UndefinedBehavior|Leak)Sanitizer|runtime error:")


@dataclass
class Result:
    case: cases.Case
    passed: bool
    why: str
    seconds: float
    output: str
    version: str = ""
    commands: set = field(default_factory=set)


def compile_c(case, folder):
    """Builds a C test; returns its program."""
    program = os.path.join(folder, "program")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hiredis", "libevent"], capture_output=True, text=True, check=True)
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, case.path,
                    *flags.stdout.split()], check=True, capture_output=True, text=True)
    return program


def command_line(case, folder):
    if case.path.endswith(".c"):
        return [compile_c(case, folder)]
    if not shutil.which(case.interpreter[0]):
        raise ServerFault(f"{case.interpreter[0]} is not installed")
    return [*case.interpreter, case.path]


def run_program(case, servers, folder):
    """Runs the test's program to its end or the end of its time. Returns why it failed ("" = it did not) and what
    it printed."""
    environment = dict(os.environ, ZSCACHE_HOST="127.0.0.1", ZSCACHE_PORT=str(servers.start("main")),
                       ZSCACHE_CONTROL=os.path.join(cases.TOP, "control"), ZSCACHE_CONTROL_SOCKET=servers.path,
                       ZSCACHE_FOLDER=folder, PYTHONDONTWRITEBYTECODE="1")
    with tempfile.TemporaryFile() as output:
        program = subprocess.Popen(command_line(case, folder), cwd=os.path.dirname(case.path), env=environment,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            status = program.wait(SECONDS)
            why = f"status {status}" if status else ""
        except subprocess.TimeoutExpired:
            why = f"still running after {SECONDS} seconds"
        try:  # what it has started and left behind, too
            os.killpg(program.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        program.wait()
        output.seek(0)
        return why, output.read().decode(errors="replace")


def run_case(case, program, folder):
    began = time.monotonic()
    folder = tempfile.mkdtemp(dir=folder)
    servers = Servers(program, folder)
    output = ""
    try:
        why, output = run_program(case, servers, folder)
    except (ServerFault, OSError) as fault:
        why = str(fault)
    except subprocess.CalledProcessError as fault:
        why, output = "does not compile", fault.stderr
    try:
        servers.close()
    except (ServerFault, OSError) as fault:
        why = why or str(fault)
    if SANITIZER.search(servers.printed()):
        why = "a sanitizer spoke"
    if why:
        output += f"--- the server printed ---\n{servers.printed()}"
    version = VERSION.search(output)
    if not version and not why:
        why = "printed no version"
    return Result(case, not why, why, time.monotonic() - began, output, version.group(1) if version else "",
                  servers.commands())
