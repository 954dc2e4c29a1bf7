#!/bin/sh
# redis-benchmark, the load that everybody has at hand: small and large values, pipelines, many clients, threads.
#
# client: redis-benchmark
# packages: redis-tools
# refuses: a run without -t ends at LPUSH: there are no lists, sets, sorted sets and streams
set -eu

echo "version: $(redis-benchmark --version)"

# load OPTIONS...: runs without an error or a warning and says how fast.
load() {
    redis-benchmark -h "$ZSCACHE_HOST" -p "$ZSCACHE_PORT" -q "$@" >"$ZSCACHE_FOLDER/out" 2>&1 || {
        echo "redis-benchmark $*: failed"
        cat "$ZSCACHE_FOLDER/out"
        exit 1
    }
    if grep -iE 'error|warning|unexpected' "$ZSCACHE_FOLDER/out" || ! grep -q 'requests per second' "$ZSCACHE_FOLDER/out"; then
        echo "redis-benchmark $*: see above"
        exit 1
    fi
}

load -t ping,set,get,incr,mset -n 4000 -r 10000
load -t set,get -n 5000 -r 10000 -P 16 -d 1024
load -t hset -n 5000 -P 16 -d 100
load -t set,get -n 5000 -c 400 --threads 2
load -3 -t set,get -n 5000 -r 100
# What memtier_benchmark does by default: one SET to ten GETs of 32 bytes.
load -n 2000 -r 10000 -P 4 set memtier-__rand_int__ 0123456789abcdef0123456789abcdef
load -n 5000 -r 10000 -P 4 get memtier-__rand_int__
load -n 2000 -r 1000 setex session:__rand_int__ 30 value
load -n 2000 -r 1000 getrange session:__rand_int__ 0 2
