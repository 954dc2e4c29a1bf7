/* Commands newer than the redis-server that the differential test compares with, and zscache's own:
 * replies by the letter, in RESP2 and RESP3.
 *
 *   usage: commands_new PATH-OF-ZSCACHE-SERVER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differential_peer.h"

/* A line of words and the whole reply. NULL = the reply of RESP3 is that of RESP2. "^..." = begins
 * with. */
struct step {
    const char *command, *resp2, *resp3;
};

#define OK        "+OK\r\n"
#define NIL       "$-1\r\n", "_\r\n"
#define SYNTAX    "-ERR syntax error\r\n"
#define NOT_INT   "-ERR value is not an integer or out of range\r\n"
#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

static const struct step steps[] = {
    /* SET with a comparison */
    {"FLUSHALL", OK, NULL},
    {"SET a 1 IFEQ 1", NIL},
    {"EXISTS a", ":0\r\n", NULL},
    {"SET a 1 IFNE 5", OK, NULL},
    {"SET a 2 IFNE 1", NIL},
    {"SET a 2 IFEQ 1", OK, NULL},
    {"SET a 3 IFEQ 1 GET", "$1\r\n2\r\n", NULL},
    {"SET a 3 IFEQ 2 GET", "$1\r\n2\r\n", NULL},
    {"GET a", "$1\r\n3\r\n", NULL},
    {"SET a 4 IFEQ 3 EX 100", OK, NULL},
    {"TTL a", ":100\r\n", NULL},
    {"SET a 5 IFEQ 4 KEEPTTL", OK, NULL},
    {"TTL a", ":100\r\n", NULL},
    {"SET a 5 NX IFEQ 4", SYNTAX, NULL},
    {"SET a 5 IFEQ", SYNTAX, NULL},
    {"HSET h f v", ":1\r\n", NULL},
    {"SET h 5 IFEQ 4", WRONGTYPE, NULL},
    /* digests: the empty string and "abc" have known XXH3 hashes */
    {"DIGEST none", NIL},
    {"DIGEST h", WRONGTYPE, NULL},
    {"SET b abc", OK, NULL},
    {"DIGEST b", "$16\r\n78af5f94892f3950\r\n", NULL},
    {"SET b abd IFDEQ 78af5f94892f3951", NIL},
    {"SET b abd IFDNE 78AF5F94892F3950", NIL},
    {"SET b abd IFDEQ 78AF5F94892F3950", OK, NULL},
    {"SET b abd IFDEQ 78", "-ERR digest must be exactly 16 hexadecimal characters\r\n", NULL},
    {"SET c 1 IFDEQ 78af5f94892f3950", NIL},
    {"SET c abc IFDNE 78af5f94892f3950", OK, NULL},
    /* DELEX and DELIFEQ */
    {"DELEX c IFEQ x", ":0\r\n", NULL},
    {"DELEX c IFNE abc", ":0\r\n", NULL},
    {"DELEX c IFDNE 78af5f94892f3950", ":0\r\n", NULL},
    {"DELEX c IFDEQ 78af5f94892f3950", ":1\r\n", NULL},
    {"DELEX c IFEQ abc", ":0\r\n", NULL},
    {"DELEX c", ":0\r\n", NULL},
    {"DELEX h IFEQ x", WRONGTYPE, NULL},
    {"DELEX h", ":1\r\n", NULL},
    {"DELEX c IFEQ", SYNTAX, NULL},
    {"DELEX c NOSUCH x", SYNTAX, NULL},
    {"DELEX c IFDEQ x", "-ERR digest must be exactly 16 hexadecimal characters\r\n", NULL},
    {"SET c lock", OK, NULL},
    {"DELIFEQ c other", ":0\r\n", NULL},
    {"DELIFEQ c lock", ":1\r\n", NULL},
    {"DELIFEQ c lock", ":0\r\n", NULL},
    /* MSETEX */
    {"MSETEX 2 x 1 y 2 EX 100", ":1\r\n", NULL},
    {"MGET x y", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", NULL},
    {"TTL y", ":100\r\n", NULL},
    {"MSETEX 2 x 3 z 4 NX", ":0\r\n", NULL},
    {"MSETEX 2 x 3 z 4 XX", ":0\r\n", NULL},
    {"MSETEX 2 x 5 y 6 XX KEEPTTL", ":1\r\n", NULL},
    {"TTL x", ":100\r\n", NULL},
    {"MSETEX 1 x 7", ":1\r\n", NULL},
    {"TTL x", ":-1\r\n", NULL},
    {"MSETEX 0 x 7", "-ERR invalid numkeys value\r\n", NULL},
    {"MSETEX a x 7", NOT_INT, NULL},
    {"MSETEX 2 x 7", "-ERR wrong number of key-value pairs\r\n", NULL},
    {"MSETEX 1 x 7 EX 0", "-ERR invalid expire time in 'msetex' command\r\n", NULL},
    {"MSETEX 1 x 7 NX XX", SYNTAX, NULL},
    /* INCREX */
    {"INCREX n", "*2\r\n:1\r\n:1\r\n", NULL},
    {"INCREX n BYINT 9 UBOUND 10", "*2\r\n:10\r\n:9\r\n", NULL},
    {"INCREX n UBOUND 10", "*2\r\n:10\r\n:0\r\n", NULL},
    {"INCREX n BYINT -20 LBOUND -5 SATURATE EX 100", "*2\r\n:-5\r\n:-15\r\n", NULL},
    {"TTL n", ":100\r\n", NULL},
    {"INCREX n EX 500 ENX", "*2\r\n:-4\r\n:1\r\n", NULL},
    {"TTL n", ":100\r\n", NULL},
    {"INCREX n PERSIST", "*2\r\n:-3\r\n:1\r\n", NULL},
    {"TTL n", ":-1\r\n", NULL},
    {"INCREX n EX 500 ENX", "*2\r\n:-2\r\n:1\r\n", NULL},
    {"TTL n", ":500\r\n", NULL},
    {"INCREX m UBOUND -1", "*2\r\n:0\r\n:0\r\n", NULL},
    {"EXISTS m", ":0\r\n", NULL},
    {"SET m 9223372036854775807", OK, NULL},
    {"INCREX m", "*2\r\n:9223372036854775807\r\n:0\r\n", NULL},
    {"INCREX m BYINT -1", "*2\r\n:9223372036854775806\r\n:-1\r\n", NULL},
    {"INCREX m BYINT 100 SATURATE", "*2\r\n:9223372036854775807\r\n:1\r\n", NULL},
    {"INCREX f BYFLOAT 1.5", "*2\r\n$3\r\n1.5\r\n$3\r\n1.5\r\n", "*2\r\n,1.5\r\n,1.5\r\n"},
    {"INCREX f", NOT_INT, NULL},
    {"INCREX n ENX", "-ERR ENX flag requires an expiration\r\n", NULL},
    {"INCREX n LBOUND 2 UBOUND 1", "-ERR LBOUND can't be greater than UBOUND\r\n", NULL},
    {"INCREX n BYINT x", NOT_INT, NULL},
    {"INCREX n BYFLOAT x", "-ERR value is not a valid float\r\n", NULL},
    {"INCREX n NOSUCH", SYNTAX, NULL},
    {"HSET g f v", ":1\r\n", NULL},
    {"INCREX g", WRONGTYPE, NULL},
    /* what a cache does not do */
    {"SWAPDB 0 1", "-ERR SWAPDB is not supported: a database cannot take the place of another\r\n",
     NULL},
    {"MEMORY MALLOC-STATS", "$45\r\nStats not supported for the current allocator\r\n", NULL},
    {"SAVE", "-ERR Nothing can be saved: this server keeps no data on disk\r\n", NULL},
    {"BGSAVE SCHEDULE", "-ERR Nothing can be saved: this server keeps no data on disk\r\n", NULL},
    {"LASTSAVE", "^:1", NULL},
    {"REPLICAOF localhost 7000", "-ERR Replication is not supported\r\n", NULL},
    {"SLAVEOF no one", OK, NULL},
    {"FUNCTION LOAD x", "-ERR Functions are not supported; use EVAL or SCRIPT LOAD\r\n", NULL},
    {"MODULE LOAD x", "-ERR Modules are not supported\r\n", NULL},
    {"FUNCTION HELP", "^*", NULL},
    {"MODULE HELP", "^*", NULL},
    /* ours */
    {"ZINFO none", NIL},
    {"ZINFO n", "^*22\r\n$4\r\ntype\r\n$6\r\nstring\r\n", "^%11\r\n$4\r\ntype\r\n$6\r\nstring\r\n"},
    {"ZDICT LIST", "^*", NULL},
    {"ZDICT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try ZDICT HELP.\r\n", NULL},
    {"OBJECT ENCODING m", "$3\r\nint\r\n", NULL},
    {"OBJECT ENCODING b", "$3\r\nraw\r\n", NULL},
    {"OBJECT REFCOUNT m", ":1\r\n", NULL},
    {"COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 5", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", NULL},
    {"COMMAND GETKEYSANDFLAGS GET a", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n",
     "*1\r\n*2\r\n$1\r\na\r\n~2\r\n+RO\r\n+access\r\n"},
    {"COMMAND DOCS nosuch", "*0\r\n", "%0\r\n"},
    {"COMMAND LIST FILTERBY PATTERN getr*", "*1\r\n$8\r\ngetrange\r\n", NULL},
    {"COMMAND LIST FILTERBY MODULE x", "*0\r\n", NULL},
    {"LPUSH l 1", "^-ERR unknown command 'LPUSH', with args beginning with: 'l' '1' ", NULL},
    {"READONLY", OK, NULL},
    {"MEMORY STATS", "^*70\r\n$14\r\npeak.allocated\r\n:", "^%35\r\n$14\r\npeak.allocated\r\n:"},
    /* encodings of hashes have Redis's names */
    {"FLUSHALL", OK, NULL},
    {"HSET h f 1 g 2", ":2\r\n", NULL},
    {"OBJECT ENCODING h", "$8\r\nlistpack\r\n", NULL},
    {"CONFIG SET hash-max-listpack-entries 1", OK, NULL},
    {"OBJECT ENCODING h", "$9\r\nhashtable\r\n", NULL},
    {"CONFIG SET hash-max-ziplist-entries 512 hash-max-listpack-value 2", OK, NULL},
    {"OBJECT ENCODING h", "$8\r\nlistpack\r\n", NULL},
    {"HSET h f abc", ":0\r\n", NULL},
    {"OBJECT ENCODING h", "$9\r\nhashtable\r\n", NULL},
    {"DEBUG OBJECT h", "^+Value at:0x0 refcount:1 encoding:hashtable ", NULL},
    {"CONFIG SET hash-max-ziplist-value 64", OK, NULL},
    /* HSCAN without values */
    {"FLUSHALL", OK, NULL},
    {"HSET h f 1 g 2", ":2\r\n", NULL},
    {"HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$1\r\ng\r\n", NULL},
    {"HSCAN h 0 NOVALUES MATCH g COUNT 5", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\ng\r\n", NULL},
    {"HSCAN none 0 NOVALUES", "*2\r\n$1\r\n0\r\n*0\r\n", NULL},
    {"HSCAN h 0 NOVALUES 1", SYNTAX, NULL},
    {"SWAPDB 0 1", "^-ERR SWAPDB is not supported", NULL},
};

/* Sends a line of words as an array of bulk strings. */
static bool send_words(struct peer *p, unsigned connection, const char *line)
{
    char wire[2048];
    size_t words = 1, at;
    for (const char *c = line; *c != '\0'; c++)
        words += *c == ' ';
    at = (size_t)snprintf(wire, sizeof wire, "*%zu\r\n", words);
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        at +=
            (size_t)snprintf(wire + at, sizeof wire - at, "$%zu\r\n%.*s\r\n", len, (int)len, line);
        line += len + (line[len] == ' ');
    }
    return peer_send(p, connection, wire, at);
}

static bool run_step(struct peer *p, unsigned connection, const struct step *s)
{
    const char *reply, *want = connection == 1 && s->resp3 != NULL ? s->resp3 : s->resp2;
    size_t len;
    bool prefix = want[0] == '^';
    want += prefix;
    size_t want_len = strlen(want);
    if (!send_words(p, connection, s->command) || !peer_reply(p, connection, &reply, &len)) {
        printf("no reply to %s\n", s->command);
        return false;
    }
    if (len >= want_len && (prefix || len == want_len) && memcmp(reply, want, want_len) == 0)
        return true;
    printf("RESP%c %s\n  wanted %s  got    %.*s", connection == 1 ? '3' : '2', s->command, want,
           (int)len, reply);
    return false;
}

int main(int argc, char **argv)
{
    struct peer p;
    char dir[] = "/tmp/zscache-commands-XXXXXX", log[64];
    static const struct step hello = {"HELLO 3", "^%", NULL};
    if (argc != 2 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: commands_new PATH-OF-ZSCACHE-SERVER\n");
        return 2;
    }
    if (!peer_start(&p, "zscache", argv[1], dir, false)) {
        printf("zscache does not start; see %s\n", dir);
        return 1;
    }
    int failed = !run_step(&p, 1, &hello);
    for (unsigned connection = 0; connection < 2; connection++)
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            failed += !run_step(&p, connection, &steps[i]);
    peer_stop(&p);
    snprintf(log, sizeof log, "%s/zscache.log", dir);
    unlink(log);
    rmdir(dir);
    printf("%zu steps in RESP2 and RESP3, %d failed\n", sizeof steps / sizeof steps[0], failed);
    return failed != 0;
}
