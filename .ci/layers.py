#!/usr/bin/env python3
"""The rules of the layers: who may include what, who may call what, how long things may be.

CMake already keeps a layer from seeing the headers of a layer that it does not link; this checks what a compiler
cannot, and says it in words."""
import os
import re
import sys

LAYERS = {  # layer -> layers whose public headers it may include
    "base": {"base"},
    "zspool": {"base", "zspool"},
    "codec": {"base", "codec"},
    "protocol": {"base", "protocol"},
    "cache": {"base", "zspool", "codec", "cache"},
    "server": {"base", "zspool", "protocol", "cache", "server"},  # of zspool the statistics
}

# (what, pattern of the included header, where it may stand, what the rule is called)
DOORS = [
    (r"event2/|event\.h$|evutil\.h$|evhttp\.h$", r"^server/", "libevent only in server/"),
    (r"lz4\w*\.h$|zstd\w*\.h$|zdict\.h$", r"^codec/", "lz4 and zstd only in codec/"),
    (r"openssl/", r"^server/tls/|^tests/", "openssl only in server/tls/, which is a module of its own"),
    (r"^sha[12]\.h$", r"^server/(acl/acl_password|script/script_id)\.c$",
     "digests only in acl_password.c and script_id.c"),
    (r"dlfcn\.h$", r"^server/tls/tls_load\.c$", "dlfcn.h only in server/tls/tls_load.c"),
    (r"^(lua\w*|lauxlib|lualib)\.h$", r"^server/script/", "Lua only in server/script/"),
    (r"sys/mman\.h$", r"^base/(os_memory|resident)\.c$", "sys/mman.h only in base/os_memory.c and base/resident.c"),
]
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|timespec_get|ftime|time)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MAX_FUNCTION = 100
MAX_FILE = 600


def strip(text):
    """The text without comments and string literals, with its line breaks."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return '""'
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)


def check_include(path, layer, quote, header):
    """Yields what is wrong with one #include."""
    if header.endswith(".c"):
        yield "a .c file is included"
    if ".." in header.split("/"):
        yield f"{header}: an include climbs out of its folder"
    if layer not in LAYERS:
        return
    for pattern, where, rule in DOORS:
        if re.search(pattern, header) and not re.search(where, path):
            yield f"<{header}>: {rule}"
    if quote != '"':
        return
    first = header.split("/")[0]
    private = os.path.exists(os.path.join(layer, header)) or os.path.exists(
        os.path.join(os.path.dirname(path), header))
    if private and not (first in LAYERS and first != layer):
        return
    if first not in LAYERS[layer]:
        yield f"{header}: {layer}/ may include the public headers of {', '.join(sorted(LAYERS[layer]))} only"
    elif not os.path.exists(os.path.join(first, "include", header)) and header != "base/version.h":
        yield f"{header}: not a public header of {first}/"


def check_lengths(path, lines):
    """Yields functions and files that are too long. A function's braces stand in the first column."""
    if len(lines) > MAX_FILE:
        yield len(lines), f"a file of {len(lines)} lines (at most {MAX_FILE})"
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > MAX_FUNCTION:
                yield start, f"a function of {number - start - 1} lines (at most {MAX_FUNCTION})"
            start = None


def check_file(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    layer = path.split("/")[0]
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            for fault in check_include(path, layer, *match.groups()):
                yield number, fault
    code = strip(text).split("\n")
    if layer in LAYERS and path != "base/clock.c":
        for number, line in enumerate(code, 1):
            if CLOCK.search(line):
                yield number, "the clock is read outside base/clock.c"
    yield from check_lengths(path, text.rstrip("\n").split("\n"))


def main():
    listed = sorted(os.path.join(folder, name) for top in [*LAYERS, "tests", "bench"]
                    for folder, _, names in os.walk(top) for name in names if name.endswith((".c", ".h")))
    faults = 0
    for path in listed:
        for number, fault in check_file(path):
            print(f"{path}:{number}: {fault}")
            faults += 1
    print(f"{len(listed)} files, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
