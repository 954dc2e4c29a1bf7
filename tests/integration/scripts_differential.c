/* Sends transactions and scripts to a real redis-server and to zscache, in RESP2 and RESP3, and
 * compares the replies byte by byte.
 *
 *   usage: scripts_differential PATH-OF-ZSCACHE-SERVER
 *
 * Exits with 77 where there is no redis-server. What differs on purpose is not in the list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "differential_peer.h"

#define SKIPPED 77

/* A command: its words, or a script for EVAL and the words behind it. */
struct step {
    const char *script; /* NULL: a plain command */
    const char *words;
};

#define RUN(script)                                                                                \
    {                                                                                              \
        script, "0"                                                                                \
    }
#define WITH(script, rest)                                                                         \
    {                                                                                              \
        script, rest                                                                               \
    }
#define PLAIN(words)                                                                               \
    {                                                                                              \
        NULL, words                                                                                \
    }

static const struct step steps[] = {
    PLAIN("FLUSHALL"),
    PLAIN("SCRIPT FLUSH"),
    /* ---- transactions ---- */
    PLAIN("EXEC"),
    PLAIN("DISCARD"),
    PLAIN("MULTI"),
    PLAIN("MULTI"),
    PLAIN("WATCH a"),
    PLAIN("SHUTDOWN"),
    PLAIN("SET a"),
    PLAIN("NOSUCH x"),
    PLAIN("GET a"),
    PLAIN("EXEC"),
    PLAIN("MULTI"),
    PLAIN("UNWATCH"),
    PLAIN("PING"),
    PLAIN("SET a 1"),
    PLAIN("INCR a"),
    PLAIN("HGET a f"),
    PLAIN("GET none"),
    PLAIN("HGETALL none"),
    PLAIN("MGET a none"),
    PLAIN("EXEC"),
    PLAIN("WATCH a"),
    PLAIN("SET a 2"),
    PLAIN("MULTI"),
    PLAIN("GET a"),
    PLAIN("EXEC"),
    PLAIN("WATCH a"),
    PLAIN("MULTI"),
    PLAIN("CLIENT NOSUCH"),
    PLAIN("EXEC"),
    PLAIN("MULTI x"),
    PLAIN("EXEC y"),
    PLAIN("MULTI"),
    PLAIN("EXEC y"),
    PLAIN("EXEC"),
    PLAIN("WATCH"),
    PLAIN("MULTI"),
    PLAIN("EXEC"),
    PLAIN("MULTI"),
    WITH("return redis.call('incr', KEYS[1])", "1 counter"),
    PLAIN("EVALSHA ffffffffffffffffffffffffffffffffffffffff 0"),
    WITH("return nosuch", "0"),
    PLAIN("EXEC"),
    /* ---- values from Lua ---- */
    RUN("return 1"),
    RUN("return 3.99"),
    RUN("return -3.99"),
    RUN("return 1e20"),
    RUN("return -1e20"),
    RUN("return 0/0"),
    RUN("return 'x'"),
    RUN("return ''"),
    RUN("return true"),
    RUN("return false"),
    RUN("return nil"),
    RUN("return"),
    RUN("return {1, 2, {3, 'a', nil, 4}}"),
    RUN("return {1, nil, 3}"),
    RUN("return {}"),
    RUN("return {a = 1}"),
    RUN("return {false, true, 3.5}"),
    RUN("local t = {} for i = 1, 30 do t = {t} end return t"),
    RUN("return function() end"),
    RUN("return {ok = 'fine'}"),
    RUN("return {ok = 'fi\\r\\nne'}"),
    RUN("return {ok = 5}"),
    RUN("return {err = 'MY error'}"),
    RUN("return {err = 'My\\nerror'}"),
    RUN("return {err = 'noprefix'}"),
    RUN("return {err = 5}"),
    RUN("return {double = 3.5}"),
    RUN("return {map = {a = 1}}"),
    RUN("return {map = {}, 5}"),
    RUN("return {set = {a = true}}"),
    RUN("return {big_number = '123'}"),
    RUN("return {big_number = '12\\r\\n3'}"),
    RUN("return {verbatim_string = {string = 'abc', format = 'txt'}}"),
    RUN("return {1.5, 'x', {ok = 'y'}, {err = 'z'}, redis.status_reply('q')}"),
    RUN("redis.setresp(3) return true"),
    RUN("redis.setresp(3) return false"),
    RUN("redis.setresp(3) return nil"),
    RUN("return {KEYS[1], ARGV[1], #KEYS, #ARGV}"),
    WITH("return {KEYS[1], KEYS[2], ARGV[1], #KEYS, #ARGV}", "2 a b c"),
    /* ---- values to Lua ---- */
    WITH("return redis.call('set', KEYS[1], ARGV[1])", "1 k v"),
    WITH("return redis.call('get', KEYS[1])", "1 k"),
    WITH("return redis.call('get', KEYS[1])", "1 none"),
    WITH("return type(redis.call('get', KEYS[1]))", "1 none"),
    WITH("redis.setresp(3) return type(redis.call('get', KEYS[1]))", "1 none"),
    WITH("redis.setresp(3) return redis.call('get', KEYS[1])", "1 none"),
    WITH("return redis.call('mget', 'k', KEYS[1])", "1 none"),
    WITH("local r = redis.call('mget', 'k', KEYS[1]) return type(r[2]) .. tostring(r[2])",
         "1 none"),
    WITH("return redis.call('hset', KEYS[1], 'f', 'v')", "1 h"),
    WITH("return redis.call('hgetall', KEYS[1])", "1 h"),
    WITH("redis.setresp(3) return redis.call('hgetall', KEYS[1])", "1 h"),
    WITH("redis.setresp(3) return redis.call('hgetall', KEYS[1]).map.f", "1 h"),
    WITH("return redis.call('set', KEYS[1], ARGV[1], 'NX')", "1 k v"),
    WITH("return redis.call('set', KEYS[1], 'x').ok", "1 k"),
    WITH("return redis.call('del', KEYS[1])", "1 nosuch"),
    RUN("return redis.call('ping')"),
    RUN("return redis.call('ping', 'x')"),
    RUN("return redis.call('echo', 'a\\0b')"),
    RUN("return redis.call('time')[1] + 0 > 1"),
    RUN("redis.call('set', 'n', 12) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 1e15) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 1e20) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 0.1) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 1e-7) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 2^53) return redis.call('get', 'n')"),
    RUN("redis.call('set', 'n', 3.14159265358979) return redis.call('get', 'n')"),
    RUN("return redis.call('select', 3)"),
    PLAIN("GET k"),
    /* ---- errors ---- */
    WITH("return redis.call('incr', KEYS[1])", "1 k"),
    WITH("return redis.pcall('incr', KEYS[1])", "1 k"),
    WITH("return redis.pcall('incr', KEYS[1]).err", "1 k"),
    WITH("return {redis.pcall('incr', KEYS[1]), 5}", "1 k"),
    WITH("local f = function() return redis.call('incr', KEYS[1]) end\nreturn f()", "1 k"),
    WITH("return redis.call('hget', KEYS[1], 'f')", "1 k"),
    WITH("return redis.call('set', KEYS[1], '1', 'EX', '0')", "1 k"),
    WITH("local ok, e = pcall(redis.call, 'incr', KEYS[1]) return {tostring(ok), type(e), e}",
         "1 k"),
    RUN("return redis.call('nosuch')"),
    RUN("return redis.pcall('nosuch')"),
    RUN("return redis.call('get')"),
    RUN("return redis.call('get', 'a', 'b')"),
    RUN("return redis.call()"),
    RUN("return redis.pcall()"),
    RUN("return redis.call({})"),
    RUN("return redis.call('get', {})"),
    RUN("return redis.call('get', true)"),
    RUN("return redis.call('get', nil)"),
    RUN("return redis.call('multi')"),
    RUN("return redis.call('eval', 'return 1', 0)"),
    RUN("return redis.call('subscribe', 'a')"),
    RUN("return redis.call('config', 'get', 'maxmemory')"),
    RUN("return redis.call('client', 'id')"),
    RUN("return redis.call('client', 'nosuch')"),
    RUN("return x"),
    RUN("x = 1"),
    RUN("return 1 +"),
    RUN("return print('x')"),
    RUN("return require('os')"),
    RUN("error('boom')"),
    RUN("error('boom', 0)"),
    RUN("error({err = 'ERR my err'})"),
    RUN("error({err = 'x y', source = 'q', line = '9'})"),
    RUN("error(redis.error_reply('MY thing'))"),
    RUN("local t = nil; return t.x"),
    RUN("\n\nlocal t = nil; return t.x"),
    RUN("local a, b = pcall(function() error('x') end) return b"),
    RUN("local a, b = pcall(function() error({err = 'ERR tt'}) end) return type(b) .. b"),
    RUN("return select(2, xpcall(function() error('x') end, function(e) return e .. '!' end))"),
    RUN("redis.foo = 1"),
    RUN("string.rep = nil"),
    RUN("rawset(_G, 'a', 1) return a"),
    RUN("setmetatable(_G, {}) return 1"),
    RUN("KEYS = 1 return 1"),
    RUN("KEYS[1] = 'z' return KEYS[1]"),
    RUN("redis.nosuch()"),
    RUN("return redis.nosuch"),
    /* ---- the functions of redis ---- */
    RUN("return redis.error_reply('boom')"),
    RUN("return redis.error_reply('-boom x')"),
    RUN("return redis.error_reply('ERR boom x')"),
    RUN("return redis.error_reply('MY thing')"),
    RUN("return redis.error_reply('-')"),
    RUN("return redis.error_reply('')"),
    RUN("return redis.error_reply('a\\r\\nb')"),
    RUN("return redis.error_reply({})"),
    RUN("return redis.status_reply('st')"),
    RUN("return redis.status_reply('x\\ny')"),
    RUN("return redis.status_reply(1)"),
    RUN("return redis.status_reply()"),
    RUN("return redis.sha1hex('abc')"),
    RUN("return redis.sha1hex('')"),
    RUN("return redis.sha1hex()"),
    RUN("return redis.sha1hex('a', 'b')"),
    RUN("return redis.acl_check_cmd('get', 'a')"),
    RUN("return redis.acl_check_cmd('get')"),
    RUN("return redis.acl_check_cmd('config')"),
    RUN("return redis.acl_check_cmd('config', 'get', 'x')"),
    RUN("return redis.acl_check_cmd('config', 'nosuch')"),
    RUN("return redis.acl_check_cmd('nosuch')"),
    RUN("return redis.acl_check_cmd()"),
    RUN("return redis.acl_check_cmd({})"),
    RUN("redis.setresp(4)"),
    RUN("redis.setresp()"),
    RUN("return redis.log('x')"),
    RUN("return redis.log(9, 'x')"),
    RUN("return redis.log(redis.LOG_DEBUG, 'x')"),
    RUN("return redis.replicate_commands()"),
    RUN("return redis.set_repl(redis.REPL_ALL)"),
    RUN("return {redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING}"),
    RUN("return {redis.REPL_ALL, redis.REPL_NONE, redis.REPL_AOF, redis.REPL_SLAVE}"),
    RUN("return table.concat({1, 2}, ',') .. string.format('%d %s', 3, 'x') .. math.floor(2.5)"),
    RUN("return _VERSION .. select('#', unpack({1, 2, 3}))"),
    /* ---- EVAL and SCRIPT themselves ---- */
    WITH("return 1", "1"),
    WITH("return 1", "-1"),
    WITH("return 1", "x"),
    PLAIN("EVAL x"),
    PLAIN("EVALSHA ffffffffffffffffffffffffffffffffffffffff 0"),
    PLAIN("EVALSHA fff 0"),
    PLAIN("EVALSHA ab -1"),
    PLAIN("EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0"),
    PLAIN("EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0"),
    PLAIN("SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db x"),
    PLAIN("SCRIPT EXISTS"),
    PLAIN("SCRIPT LOAD"),
    PLAIN("SCRIPT LOAD return"),
    PLAIN("SCRIPT LOAD return+"),
    PLAIN("SCRIPT KILL"),
    PLAIN("SCRIPT FLUSH NOSUCH"),
    PLAIN("SCRIPT NOSUCH"),
    PLAIN("EVAL_RO return 0"),
    PLAIN("COMMAND GETKEYS EVAL x 2 a b c"),
    PLAIN("COMMAND GETKEYS EVAL x 0"),
    RUN("#!lua flags=no-writes\nreturn redis.call('set', 'a', 1)"),
    RUN("#!lua flags=no-writes\nreturn redis.call('get', 'a')"),
    RUN("#!lua\nreturn redis.call('get', 'a')"),
    RUN("#!lua flags=nosuch\nreturn 1"),
    RUN("#!lua flags=no-writes,\nreturn 1"),
    RUN("#!lua flags=no-writes flags=allow-oom\nreturn 1"),
    RUN("#!python\nreturn 1"),
    RUN("#!lua name=x\nreturn 1"),
    RUN("#!lua"),
    RUN("#!lua flags=allow-oom,no-cluster,allow-stale,allow-cross-slot-keys\nreturn 1"),
    PLAIN("SCRIPT FLUSH SYNC"),
    PLAIN("SCRIPT FLUSH ASYNC"),
    RUN("return redis.set_repl(redis.REPL_ALL)"),
    RUN("return redis.set_repl(4)"),
    RUN("return redis.set_repl()"),
    /* ---- libraries ---- */
    RUN("return cjson.encode({1,'a\"/\\n\\1\\127',{x=cjson.null},{},true,1.5,1e20,1/3})"),
    RUN("return {cjson.encode({[1]=1,[9]=9}), cjson.encode(nil), cjson.encode('')}"),
    RUN("return cjson.encode({[1]=1,[1000]=3})"),
    RUN("cjson.encode_sparse_array(true) local s = cjson.encode({[1]=1,[1000]=3}) "
        "cjson.encode_sparse_array(false) return #s"),
    RUN("return cjson.encode(0/0)"),
    RUN("return cjson.encode({[true]=1})"),
    RUN("return cjson.encode(print)"),
    RUN("local t = {} t.t = t return cjson.encode(t)"),
    RUN("return cjson.encode(1, 2)"),
    RUN("local v = "
        "cjson.decode('{\"a\":[1,{\"b\":\"\\\\u00e9\\\\ud83d\\\\ude00\\\\n\"}],\"n\":null}') "
        "return {v.a[1], v.a[2].b, tostring(v.n == cjson.null)}"),
    RUN("return cjson.decode('[null,true,false,-1.0e2,\" \",[]]')"),
    WITH("local r = {} for i = 1, #ARGV do r[i] = select(2, pcall(cjson.decode, ARGV[i])) end "
         "return r",
         "0 {} [1,] [1 {\"a\"} {\"a\":} {\"a\":1,} {a:1} [1]2 nul tru - .5 01 0x10 \"\\x\" "
         "\"\\ud83d\" \"a"),
    RUN("return cjson.decode(string.rep('[', 1001) .. string.rep(']', 1001))"),
    RUN("return #cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000))"),
    RUN("return cjson.decode('\\0a')"),
    RUN("cjson.encode = 1"),
    RUN("return {bit.tobit(4294967303), bit.bnot(0), bit.band(5, 3, 1), bit.bor(1, 2, 4), "
        "bit.bxor(5, 3)}"),
    RUN("return {bit.lshift(1, 31), bit.rshift(-256, 8), bit.arshift(-256, 40), bit.rol(3, 31), "
        "bit.ror(3, 1), bit.bswap(1)}"),
    RUN("return {bit.tohex(255), bit.tohex(-1, 4), bit.tohex(2147483647, -3), bit.tohex(1, 0)}"),
    RUN("return bit.band()"),
    RUN("return cmsgpack.pack(1, -1, 128, -33, 65536, 1e18, 0.5, 0.1, 'a', true, nil, {}, {1}, "
        "{a=1})"),
    RUN("return #cmsgpack.pack(string.rep('x', 300), string.rep('x', 70000), -129, -32769, -1e18)"),
    RUN("local t = {} for i = 1, 20 do t[i] = i end return cmsgpack.pack(t)"),
    RUN("local t = {} t.t = t return cmsgpack.pack(t)"),
    RUN("return cmsgpack.pack()"),
    RUN("return {cmsgpack.unpack(cmsgpack.pack(7, -7, 300, -300, 70000, -70000, 1e12, 'abc', "
        "{1,{2}}))}"),
    RUN("return tostring(cmsgpack.unpack(cmsgpack.pack(0.1)))"),
    RUN("return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 1)}"),
    RUN("return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}"),
    RUN("return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 0)}"),
    RUN("return cmsgpack.unpack('\\146\\1')"),
    RUN("return cmsgpack.unpack('\\193')"),
    RUN("return struct.pack('>bHi3I8!4xd<fc2s', -1, 2, -3, 4, 1.5, 2.5, 'abc', 'de')"),
    RUN("return {struct.unpack('>bHi3I8c2s', struct.pack('>bHi3I8c2s', -1, 2, -3, 4, 'abc', "
        "'de'))}"),
    RUN("return {struct.unpack('bc0', '\\3abcdef')}"),
    RUN("return {struct.unpack('b', 'abc', 3)}"),
    RUN("return struct.unpack('i', 'abc')"),
    RUN("return struct.unpack('s', 'abc')"),
    RUN("return struct.unpack('c0', 'abc')"),
    RUN("return {struct.size('!bhilTfd'), struct.size('bd'), struct.size('')}"),
    RUN("return struct.size('s')"),
    RUN("return struct.pack('i33', 1)"),
    RUN("return struct.pack('z', 1)"),
    RUN("return struct.pack('b')"),
};

#define STEPS (sizeof steps / sizeof steps[0])

static size_t put(char *to, const char *word, size_t len)
{
    int head = sprintf(to, "$%zu\r\n", len);
    memcpy(to + head, word, len);
    memcpy(to + head + len, "\r\n", 2);
    return (size_t)head + len + 2;
}

/* The command as it goes over the wire; its length. */
static size_t encode(const struct step *s, char *wire)
{
    char words[4096];
    size_t at = 0;
    unsigned n = 0;
    if (s->script != NULL) {
        at += put(words + at, "EVAL", 4);
        at += put(words + at, s->script, strlen(s->script));
        n = 2;
    }
    for (const char *word = s->words; *word != '\0'; n++) {
        size_t len = strcspn(word, " ");
        at += put(words + at, word, len);
        word += len + (word[len] == ' ');
    }
    int head = sprintf(wire, "*%u\r\n", n);
    memcpy(wire + head, words, at);
    return (size_t)head + at;
}

static bool same(struct peer *redis, struct peer *zscache, unsigned connection,
                 const struct step *s)
{
    char wire[4200];
    const char *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0, len = encode(s, wire);
    bool answered =
        peer_send(redis, connection, wire, len) && peer_send(zscache, connection, wire, len) &&
        peer_reply(redis, connection, &a, &a_len) && peer_reply(zscache, connection, &b, &b_len);
    if (answered && a_len == b_len && memcmp(a, b, a_len) == 0)
        return true;
    printf("RESP%c %s %s\n  redis   %.*s  zscache %.*s\n", connection == 0 ? '2' : '3',
           s->script == NULL ? "" : s->script, s->words, (int)a_len, a_len > 0 ? a : "", (int)b_len,
           b_len > 0 ? b : "");
    return false;
}

static int compare_all(struct peer *redis, struct peer *zscache)
{
    static const struct step three = PLAIN("HELLO 3");
    int failed = 0;
    char wire[100];
    const char *reply;
    size_t len = encode(&three, wire), reply_len;
    if (!peer_send(redis, 1, wire, len) || !peer_send(zscache, 1, wire, len) ||
        !peer_reply(redis, 1, &reply, &reply_len) || !peer_reply(zscache, 1, &reply, &reply_len))
        return 1;
    for (unsigned connection = 0; connection < 2; connection++)
        for (size_t i = 0; i < STEPS; i++)
            failed += !same(redis, zscache, connection, &steps[i]);
    printf("%zu steps in RESP2 and RESP3, %d differ\n", STEPS, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct peer redis, zscache;
    static const char *const files[] = {"redis.log", "zscache.log", "dump.rdb"};
    char dir[] = "/tmp/zscache-scripts-XXXXXX", path[64];
    if (argc != 2 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: scripts_differential PATH-OF-ZSCACHE-SERVER\n");
        return 2;
    }
    if (!peer_start(&redis, "redis", "redis-server", dir, true)) {
        printf("skipped: no redis-server that starts\n");
        return SKIPPED;
    }
    int status = 1;
    if (peer_start(&zscache, "zscache", argv[1], dir, false)) {
        status = compare_all(&redis, &zscache);
        peer_stop(&zscache);
    }
    peer_stop(&redis);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    return status;
}
