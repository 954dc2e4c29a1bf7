/* Users with random rules in zscache and in redis-server: the same rules must be refused with the
 * same words, be shown alike, and allow and deny the same commands.
 *
 *   usage: acl_differential PATH-OF-ZSCACHE-SERVER [SEED [ROUNDS]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differential_peer.h"
#include "differential_random.h"

#define SKIPPED 77
#define RULES   8 /* at most, of one user */

/* Those which redis-server 7.0 and this server both know, for what is in both. */
static const char *const rule_words[] = {
    "on",
    "off",
    "nopass",
    "resetpass",
    ">secret",
    "<secret",
    "~*",
    "allkeys",
    "resetkeys",
    "~a*",
    "~b[12]",
    "%R~a*",
    "%W~a*",
    "%RW~c?",
    "%W~b1",
    "%~x",
    "&*",
    "&ch*",
    "resetchannels",
    "allchannels",
    "+@all",
    "-@all",
    "+@read",
    "-@read",
    "+@write",
    "-@write",
    "+@string",
    "-@string",
    "+@hash",
    "+@fast",
    "-@fast",
    "+@slow",
    "-@slow",
    "+@keyspace",
    "-@keyspace",
    "+@dangerous",
    "-@dangerous",
    "+@admin",
    "-@admin",
    "+@connection",
    "+get",
    "-get",
    "+set",
    "-set",
    "+mget",
    "+config",
    "-config",
    "+config|get",
    "-config|get",
    "+client|list",
    "-client|id",
    "+object",
    "-object|freq",
    "+select|0",
    "+nosuch",
    "-nosuch",
    "+@nosuch",
    "nonsense",
    "#abc",
    "allcommands",
    "nocommands",
    "reset",
    "clearselectors",
    "+GET",
    "+@READ",
    "(+get ~a*)",
    "(+@write %W~b1)",
    "(+set",
    "(+@all ~* -set)",
    "+config|get|x",
    "~a* ~q",
};

static const char *const requests[] = {
    "GET a1",
    "GET b1",
    "GET z",
    "SET a1 v",
    "SET a1 v GET",
    "SET b1 v",
    "SET a1 v EX 10",
    "MGET a1 a2",
    "MGET a1 b1 z",
    "MSET a1 v b1 v",
    "MSETNX a1 v",
    "SETNX a1 v",
    "SETEX a1 10 v",
    "PSETEX a1 10 v",
    "GETSET a1 v",
    "GETDEL a1",
    "GETEX a1",
    "STRLEN a1",
    "APPEND a1 v",
    "GETRANGE a1 0 1",
    "SUBSTR a1 0 1",
    "SETRANGE a1 0 v",
    "INCR a1",
    "DECR b1",
    "INCRBY a1 1",
    "DECRBY a1 1",
    "INCRBYFLOAT a1 1",
    "DEL a1",
    "DEL a1 b1",
    "UNLINK a1",
    "EXISTS a1",
    "EXISTS z",
    "TOUCH a1",
    "TYPE a1",
    "EXPIRE a1 1",
    "PEXPIRE a1 1",
    "EXPIREAT a1 1",
    "PEXPIREAT a1 1",
    "TTL a1",
    "PTTL a1",
    "EXPIRETIME a1",
    "PEXPIRETIME a1",
    "PERSIST a1",
    "RENAME a1 b1",
    "RENAMENX b1 a1",
    "COPY a1 b1",
    "COPY b1 a1",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DBSIZE",
    "FLUSHDB",
    "FLUSHALL",
    "HSET a1 f v",
    "HSETNX a1 f v",
    "HMSET a1 f v",
    "HGET a1 f",
    "HMGET a1 f",
    "HGETALL a1",
    "HKEYS a1",
    "HVALS a1",
    "HDEL a1 f",
    "HEXISTS a1 f",
    "HINCRBY a1 f 1",
    "HLEN a1",
    "HINCRBYFLOAT a1 f 1",
    "HSTRLEN a1 f",
    "HSCAN a1 0",
    "OBJECT ENCODING a1",
    "OBJECT FREQ b1",
    "CONFIG GET x",
    "CONFIG SET x y",
    "CONFIG RESETSTAT",
    "CLIENT LIST",
    "CLIENT ID",
    "SELECT 0",
    "SELECT 1",
    "PING",
    "ECHO x",
    "AUTH x",
    "INFO",
    "TIME",
    "COMMAND",
    "COMMAND COUNT",
    "MEMORY USAGE a1",
    "ACL WHOAMI",
    "ACL LIST",
    "HELLO",
    "SHUTDOWN",
    "MULTI",
    "WATCH a1",
    "WATCH z",
    "EVAL x 1 a1",
    "EVAL x 2 a1 b1",
    "EVALSHA x 1 b1",
    "EVAL_RO x 1 a1",
    "EVAL x 0",
    "SCRIPT EXISTS x",
    "SLOWLOG GET",
    "LATENCY LATEST",
    "PUBSUB CHANNELS",
    "PUBLISH ch1 x",
    "PUBLISH other x",
    "SUBSCRIBE ch1",
    "SUBSCRIBE ch1 other",
    "PSUBSCRIBE ch*",
    "PSUBSCRIBE ch1*",
};

/* Sends words as one command; those in parentheses are one word. */
static bool ask(struct peer *p, const char *line, const char **reply, size_t *len)
{
    char out[2048], words[1024];
    size_t at = 0;
    unsigned n = 0;
    for (const char *w = line; *w != '\0';) {
        size_t word = *w == '(' && strchr(w, ')') != NULL ? (size_t)(strchr(w, ')') + 1 - w)
                                                          : strcspn(w, " ");
        at +=
            (size_t)snprintf(words + at, sizeof words - at, "$%zu\r\n%.*s\r\n", word, (int)word, w);
        n++;
        w += word + (w[word] == ' ');
    }
    int total = snprintf(out, sizeof out, "*%u\r\n%s", n, words);
    return peer_send(p, 0, out, (size_t)total) && peer_reply(p, 0, reply, len);
}

/* What a DRYRUN says, in a letter: the two versions word it differently. */
static char verdict_of(const char *reply, size_t len)
{
    if (len > 0 && reply[0] != '$')
        return reply[0];
    if (memmem(reply, len, " command\r\n", 10) != NULL)
        return 'c';
    return memmem(reply, len, " key\r\n", 6) != NULL ? 'k' : 'p';
}

static bool both(struct peer *peers, const char *line, const char **replies, size_t *lens)
{
    return ask(&peers[0], line, &replies[0], &lens[0]) &&
           ask(&peers[1], line, &replies[1], &lens[1]);
}

static bool fault(const char *rules, const char *line, const char **replies, const size_t *lens)
{
    printf("rules:%s\n%s\nzscache: %.*s\nredis:   %.*s\n", rules, line, (int)lens[0], replies[0],
           (int)lens[1], replies[1]);
    return false;
}

/* Fields of GETUSER from "keys" to the commands of selectors: those which do not depend on which
 * commands there are. */
static bool shown_alike(const char *const *replies, const size_t *lens)
{
    static const char keys[] = "\nkeys\r\n", selectors[] = "\nselectors\r\n";
    const char *part[2];
    size_t len[2];
    for (int i = 0; i < 2; i++) {
        part[i] = memmem(replies[i], lens[i], keys, sizeof keys - 1);
        const char *end = memmem(replies[i], lens[i], selectors, sizeof selectors - 1);
        if (part[i] == NULL || end == NULL)
            return false;
        len[i] = (size_t)(end - part[i]);
    }
    return len[0] == len[1] && memcmp(part[0], part[1], len[0]) == 0;
}

static bool compare_user(struct peer *peers, const char *rules, struct random *r)
{
    const char *replies[2];
    size_t lens[2];
    char line[1024];
    if (!both(peers, "ACL GETUSER u", replies, lens))
        return false;
    if (!shown_alike(replies, lens))
        return fault(rules, "ACL GETUSER u", replies, lens);
    size_t all = sizeof requests / sizeof requests[0], first = random_below(r, (uint32_t)all);
    for (size_t i = 0; i < all; i += 3) {
        snprintf(line, sizeof line, "ACL DRYRUN u %s", requests[(first + i) % all]);
        if (!both(peers, line, replies, lens))
            return false;
        if (verdict_of(replies[0], lens[0]) != verdict_of(replies[1], lens[1]))
            return fault(rules, line, replies, lens);
    }
    return true;
}

static bool one_round(struct peer *peers, struct random *r)
{
    const char *replies[2];
    size_t lens[2];
    char line[1024] = "ACL SETUSER u reset", *rules = line + strlen(line);
    unsigned n = 1 + random_below(r, RULES);
    if (!both(peers, line, replies, lens))
        return false;
    snprintf(line, sizeof line, "ACL SETUSER u");
    rules = line + strlen(line);
    for (unsigned i = 0; i < n; i++) {
        size_t at = strlen(line);
        snprintf(line + at, sizeof line - at, " %s",
                 rule_words[random_below(r, sizeof rule_words / sizeof rule_words[0])]);
    }
    if (!both(peers, line, replies, lens))
        return false;
    if (lens[0] != lens[1] || memcmp(replies[0], replies[1], lens[0]) != 0)
        return fault("", line, replies, lens);
    return compare_user(peers, rules, r);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/zscache-acl-XXXXXX";
    struct random r = {argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 400;
    struct peer peers[2];
    if (argc < 2 || mkdtemp(dir) == NULL)
        return EXIT_FAILURE;
    if (access("/usr/bin/redis-server", X_OK) != 0) {
        (void)rmdir(dir);
        return SKIPPED;
    }
    bool ok = peer_start(&peers[0], "zscache", argv[1], dir, false) &&
              peer_start(&peers[1], "redis", "/usr/bin/redis-server", dir, true);
    for (unsigned long i = 0; ok && i < rounds; i++) {
        ok = one_round(peers, &r);
        if (!ok)
            printf("round %lu of seed %s\n", i, argc > 2 ? argv[2] : "1");
    }
    for (int i = 0; i < 2; i++)
        peer_stop(&peers[i]);
    (void)rmdir(dir);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
