#!/bin/sh
# Builds the image with buildah where no container engine runs, starts the server from it on loopback, SETs and GETs.
# The base image is made with debootstrap from the mirror that apt uses on this machine. Needs root; everything it
# makes lies in build/docker/, and the base is kept there for the next time.
set -eu

cd "$(dirname -- "$0")/.."
work=$PWD/build/docker
port=$((20000 + $$ % 20000))
container=
server=
mkdir -p "$work"

say() {
    printf '%s\n' "check-docker: $*" >&2
}

bh() {
    buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}

ask() {
    redis-cli -p "$port" "$@"
}

end() {
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        ask shutdown nosave >/dev/null 2>&1 || true
        wait "$server" || true
    fi
    bh rm --all >/dev/null 2>&1 || true # also what a failed build leaves
    bh rmi --prune >/dev/null 2>&1 || true
}
trap end EXIT

base_image() {
    if bh images --quiet docker.io/library/debian:bookworm-slim >/dev/null 2>&1; then
        return
    fi
    # shellcheck disable=SC2016 # a format of apt, not of the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
    if [ ! -e "$work/base.tar" ]; then
        say "debootstrap of a minimal bookworm from apt's mirror"
        rm -rf "$work/base"
        debootstrap --variant=minbase --include=ca-certificates bookworm "$work/base" "${mirror:?}" \
            >"$work/debootstrap.log" 2>&1 || {
            tail "$work/debootstrap.log" >&2
            exit 1
        }
        rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
        tar -C "$work/base" --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* -cf "$work/base.tar.part" .
        mv "$work/base.tar.part" "$work/base.tar"
        rm -rf "$work/base"
    fi
    scratch=$(bh from scratch)
    bh add --quiet "$scratch" "$work/base.tar" / >/dev/null
    bh commit --quiet "$scratch" docker.io/library/debian:bookworm-slim >/dev/null
    bh rm "$scratch" >/dev/null
}

await_server() {
    for _ in $(seq 100); do
        if [ "$(ask ping 2>/dev/null)" = PONG ]; then
            return 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    say "the server did not start"
    return 1
}

expect() {
    if [ "$1" != "$2" ]; then
        say "expected $2, got $1"
        exit 1
    fi
}

base_image
say "building the image"
bh bud --isolation chroot --pull-never --format docker --tag zscache --file docker/Dockerfile . >"$work/bud.log" 2>&1 || {
    tail -n 40 "$work/bud.log" >&2
    exit 1
}

container=$(bh from --pull-never zscache)
say "starting the server from it on port $port"
bh run --isolation chroot --user zscache "$container" -- \
    zscache-server --bind 127.0.0.1 --port "$port" >"$work/server.log" 2>&1 &
server=$!
await_server || {
    cat "$work/server.log" >&2
    exit 1
}
expect "$(ask set greeting 'hello from the image')" OK
expect "$(ask get greeting)" 'hello from the image'

# The module of TLS and its library are there: the server gets as far as to miss its certificate.
reason=$(bh run --isolation chroot --user zscache "$container" -- zscache-server --tls-port "$port" 2>&1 || true)
case $reason in
*"tls-cert-file and tls-key-file must be given"*) ;;
*) expect "$reason" "a complaint about tls-cert-file" ;;
esac

# The image's own health check, as an engine would run it.
health=$(bh inspect --type image --format '{{index .Docker.Config.Healthcheck.Test 3}}' zscache)
bh run --isolation chroot --env ZSCACHE_PORT="$port" "$container" -- bash -c "$health"
say "image built, server answers, health check passes"
