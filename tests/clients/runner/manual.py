"""Writes docs/clients.md from what ran."""
import os

from . import cases

PAGE = os.path.join(os.path.dirname(os.path.dirname(cases.TOP)), "docs", "clients.md")
HEAD = """# Clients

Written by `./dev test-clients --write-docs` from a run of [the tests of the clients](../tests/clients): each of them
is a program that does with a cache what users of its library do, with the library's default settings, against a
server that is stopped and started again meanwhile. *Commands* are those that the server saw and answered without an
error.

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
