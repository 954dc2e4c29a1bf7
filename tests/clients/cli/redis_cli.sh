#!/bin/sh
# redis-cli: commands, scripts around it, and its ways to look at a server.
#
# client: redis-cli
# packages: redis-tools
set -eu

cli() {
    redis-cli -h "$ZSCACHE_HOST" -p "$ZSCACHE_PORT" "$@"
}

# is WANTED COMMAND...: whether the command prints just this.
is() {
    wanted=$1
    shift
    got=$("$@")
    [ "$got" = "$wanted" ] || {
        echo "$*: got '$got', wanted '$wanted'"
        exit 1
    }
}

# has PATTERN COMMAND...: whether a line of what the command prints matches.
has() {
    pattern=$1
    shift
    "$@" >"$ZSCACHE_FOLDER/out" 2>&1 || true
    grep -qE -- "$pattern" "$ZSCACHE_FOLDER/out" || {
        echo "$*: nothing like '$pattern' in:"
        cat "$ZSCACHE_FOLDER/out"
        exit 1
    }
}

echo "version: $(redis-cli --version)"

# Values, also binary ones, through arguments and standard input.
is OK cli set greeting "hello, world"
is "hello, world" cli get greeting
is '"hello, world"' cli --no-raw get greeting
head -c 300000 /dev/urandom >"$ZSCACHE_FOLDER/binary"
is OK cli -x set binary <"$ZSCACHE_FOLDER/binary"
cli --raw get binary | head -c 300000 | cmp - "$ZSCACHE_FOLDER/binary"
is OK cli set short x px 50
sleep 0.1
is "" cli get short
is 3 cli -r 3 incr counter | tail -n 1 >/dev/null
is "$(printf '1\n2\n3')" cli -r 3 incr counted
is '"hello, world",(nil)' sh -c "redis-cli -p $ZSCACHE_PORT --csv mget greeting nobody | sed 's/NULL/(nil)/'"

# Databases and RESP3.
is OK cli -n 5 set greeting five
is five cli -n 5 get greeting
is "hello, world" cli get greeting
is "hello, world" cli -3 get greeting
is OK cli -3 config set maxmemory-samples 10
is '{"maxmemory-samples":"10"}' cli --json config get maxmemory-samples
is "(nil)" cli -3 --no-raw get nobody

# Mass insertion.
awk 'BEGIN { for (i = 0; i < 5000; i++) {
    k = "mass:" i; v = "value of " i
    printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", length(k), k, length(v), v } }' >"$ZSCACHE_FOLDER/mass"
has '^errors: 0, replies: 5000$' cli --pipe <"$ZSCACHE_FOLDER/mass"
is "value of 1234" cli get mass:1234

# Looking at the server.
is 5000 sh -c "redis-cli -p $ZSCACHE_PORT --scan --pattern 'mass:*' | sort -u | wc -l"
has 'Biggest string found' cli --bigkeys
has 'Biggest +string found' cli --memkeys
has '^[0-9]+ +[0-9.]+[BKMG] ' sh -c "timeout 1 stdbuf -oL redis-cli -p $ZSCACHE_PORT --stat -i 0.2"
has '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+' sh -c "timeout 5 redis-cli -p $ZSCACHE_PORT --raw --latency -i 0.3"
has '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+' sh -c "timeout 2 stdbuf -oL redis-cli -p $ZSCACHE_PORT --raw --latency-history -i 0.3"
# How often a key is used is known under S3-FIFO and LFU; under LRU Redis's error says so.
has '^hot key found with counter: ' cli --hotkeys
is OK cli config set maxmemory-policy allkeys-lru
has 'An LFU maxmemory policy is not selected' cli --hotkeys
is OK cli config set maxmemory-policy allkeys-lfu
has '^hot key found with counter: ' cli --hotkeys
is OK cli config set maxmemory-policy allkeys-s3fifo
has '^redis_version:' cli info server
has 'unknown command' cli lpush list item

# With a password, until the next restart.
is OK cli config set requirepass secret
has '^NOAUTH' cli get greeting
is "hello, world" cli --no-auth-warning -a secret get greeting
is "hello, world" env REDISCLI_AUTH=secret redis-cli -h "$ZSCACHE_HOST" -p "$ZSCACHE_PORT" get greeting
is OK cli --no-auth-warning --user default --pass secret set greeting hi

# Without a server it fails, and with the next one it works.
"$ZSCACHE_CONTROL" stop
has 'Could not connect' cli ping
"$ZSCACHE_CONTROL" start >/dev/null
is PONG cli ping
is "" cli get greeting
