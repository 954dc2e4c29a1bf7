#!/usr/bin/env python3
"""Whether the documentation still fits the tree: links lead somewhere, commands and options exist, and pages that
the server prints are up to date.

usage: docs.py SERVER (the built zscache-server, whose --help knows the options)"""
import os
import re
import subprocess
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
DEV = re.compile(r"\./dev ([a-z][a-z-]*)")
MADE_BY = re.compile(r"`zscache-server\s+(--print-[a-z-]+)`")
OPTION = re.compile(r"(?:zscache-server|\./dev run)((?: +--?[\w-]+(?: +[^\s`|-][^\s`|]*)?)+)")


def markdown():
    for folder, folders, names in os.walk("."):
        folders[:] = [name for name in folders if name not in ("build", "node_modules") and not name.startswith(".")]
        yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(".md"))


def links(path, text):
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        if not os.path.exists(os.path.join(os.path.dirname(path), target)):
            yield f"a link leads nowhere: {target}"


def commands(text, known):
    for name in DEV.findall(text):
        if name not in known:
            yield f"./dev has no command {name}"


def options(text, known):
    for tail in OPTION.findall(text):
        for option in re.findall(r"--([\w-]+)", tail):
            if known and option not in known and not option.startswith("print-"):
                yield f"the server has no option --{option}"


def generated(text, server):
    """A page that says on its top which option of the server prints it must be what that prints."""
    made_by = MADE_BY.search(text[:600])
    if made_by:
        run = subprocess.run([server, made_by.group(1)], capture_output=True, text=True, check=False)
        if run.returncode != 0 or run.stdout != text:
            yield f"is not what zscache-server {made_by.group(1)} prints"


def main(server):
    with open("dev", encoding="utf-8") as file:
        dev_commands = set(re.findall(r"^  ([a-z][a-z-]*) ", file.read(), re.M))
    run = subprocess.run([server, "--help"], capture_output=True, text=True, check=False)
    server_options = set(re.findall(r"--([\w-]+)", run.stdout))
    faults = 0
    for path in markdown():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for fault in [*links(path, text), *commands(text, dev_commands), *options(text, server_options),
                      *generated(text, server)]:
            print(f"{path}: {fault}")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
