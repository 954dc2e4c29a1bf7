"""Finds the tests. A test is a program in a folder beside this one that says in a comment at its top:

    client: the library that it is about
    packages: Debian packages that it needs (none when left out)
    refuses: what users of this library will miss (for docs/clients.md)

Lines of `packages` and `refuses` may come more than once. Programs end with 0 when all was well, and print a line
`version: NAME NUMBER, ...`. Files without such a header are helpers of tests."""
import os
import re
from dataclasses import dataclass, field

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER_LINES = 30
HEADER = re.compile(r"^\W*(client|packages|refuses): (.*?)(?: \*/)?$")
# How a program is run; Python, and the libraries of Go, are those of Debian. C programs are compiled first.
INTERPRETERS = {
    ".c": [],
    ".go": ["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", "go", "run"],
    ".js": ["node"],
    ".lua": ["lua5.1"],
    ".mjs": ["node"],
    ".php": ["php"],
    ".pl": ["perl"],
    ".py": ["/usr/bin/python3"],
    ".rb": ["ruby"],
    ".sh": ["sh"],
}


@dataclass
class Case:
    name: str
    path: str
    client: str
    interpreter: list
    packages: list = field(default_factory=list)
    refuses: list = field(default_factory=list)


def read_case(folder, file):
    """The case of a file, or None when it has no header."""
    base, extension = os.path.splitext(file)
    if extension not in INTERPRETERS:
        return None
    path = os.path.join(TOP, folder, file)
    fields = {"client": [], "packages": [], "refuses": []}
    with open(path, encoding="utf-8") as lines:
        for _, line in zip(range(HEADER_LINES), lines):
            found = HEADER.match(line.rstrip())
            if found:
                fields[found.group(1)].append(found.group(2))
    if not fields["client"]:
        return None
    return Case(f"{folder}/{base}", path, fields["client"][0], INTERPRETERS[extension],
                " ".join(fields["packages"]).split(), fields["refuses"])


def find():
    found = []
    for folder in sorted(os.listdir(TOP)):
        if folder == "runner" or not os.path.isdir(os.path.join(TOP, folder)):
            continue
        for file in sorted(os.listdir(os.path.join(TOP, folder))):
            case = read_case(folder, file)
            if case:
                found.append(case)
    return found
