"""Writes docs/clients.md from what ran."""
import os

from . import cases

PAGE = os.path.join(os.path.dirname(os.path.dirname(cases.TOP)), "docs", "clients.md")
HEAD = """# Clients

Written by `./dev test-clients --write-docs` from a run of [the tests of the clients](../tests/clients). Each is a program
that does with a cache what users of its library do, with the library's default settings, while the server is stopped
and started again. *Commands* are those that the server saw and answered without an error.

No client gets lists, sets, sorted sets, streams, geo or HyperLogLog commands, cluster mode, replication or
persistence; the server says `unknown command`, and a library raises its usual error.

| client | tested versions | commands | what its users will miss |
|---|---|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def row(result):
    commands = ", ".join(sorted(result.commands))
    return (f"| {cell(result.case.client)} | {cell(result.version)} | {cell(commands)} "
            f"| {cell('; '.join(result.case.refuses))} |\n")


def write(results):
    rows = [row(result) for result in sorted(results, key=lambda result: result.case.name)]
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(HEAD + "".join(rows))
