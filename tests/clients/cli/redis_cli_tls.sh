#!/bin/sh
# redis-cli and redis-benchmark over TLS, and new certificates while the server runs.
#
# client: redis-cli, TLS
# packages: redis-tools openssl
set -eu

port=$("$ZSCACHE_CONTROL" start-tls)
cd "$ZSCACHE_FOLDER/tls"

cli() {
    redis-cli -p "$port" --tls --cacert ca.crt --cert client.crt --key client.key "$@"
}

[ "$(cli PING)" = PONG ]
head -c 3000000 /dev/urandom >value
[ "$(cli -x SET long <value)" = OK ]
cli --raw GET long >got
printf '\n' >>value
cmp value got
seq -f 'SET key:%g x' 1 20000 | cli --pipe >pipe
grep -q 'errors: 0, replies: 20000' pipe
[ "$(cli --scan --pattern 'key:*' | wc -l)" = 20000 ]
redis-benchmark -p "$port" --tls --cacert ca.crt --cert client.crt --key client.key -t set,get -n 5000 -c 20 -P 8 -q \
    >benchmark
grep -q 'GET: .* requests per second' benchmark
# Another authority, under the old names: from now on its clients are those who are let in.
cp client.crt old.crt
cp client.key old.key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout client.key -out client.crt -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cp ca.crt old-ca.crt
cp client.crt ca.crt
cp client.crt server.crt
cp client.key server.key
old() {
    redis-cli -p "$port" --tls --cacert old-ca.crt --cert old.crt --key old.key "$@"
}
[ "$(old PING)" = PONG ]
old CONFIG SET tls-cert-file "$PWD/server.crt" tls-key-file "$PWD/server.key" tls-ca-cert-file "$PWD/ca.crt" >answer
[ "$(cat answer)" = OK ]
if old PING >late 2>&1; then
    echo "a client of the old authority was let in: $(cat late)"
    exit 1
fi
[ "$(cli PING)" = PONG ]
echo "version: $(redis-cli --version)"
