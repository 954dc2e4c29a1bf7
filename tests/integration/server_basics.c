/* The server as clients see it: connections, clients, configuration, INFO. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

START_TEST(sets_and_gets)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "PONG", "PING"));
    ck_assert(asks(c, "hello", "ECHO hello"));
    ck_assert(asks(c, "OK", "SET a b"));
    ck_assert(asks(c, "b", "GET a"));
    ck_assert(asks(c, "OK", "SELECT 3"));
    ck_assert_int_eq(ask_integer(c, "EXISTS a"), 0);
    ck_assert(asks(c, "ERR DB index is out of range", "SELECT 16"));
    ck_assert(asks(c, "RESET", "RESET"));
    ck_assert(asks(c, "b", "GET a"));
    ck_assert(asks(c, "OK", "QUIT"));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* By the letter, since the client library speaks RESP2 alone. */
START_TEST(says_hello)
{
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    send_text(fd, "HELLO 3 SETNAME me\r\n");
    expect_text(fd, "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n"
                    "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n"
                    "$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
                    "$7\r\nmodules\r\n*0\r\n");
    send_text(fd, "CLIENT GETNAME\r\nHELLO 4\r\nGET none\r\nCONFIG GET timeout\r\n");
    expect_text(fd, "$2\r\nme\r\n-NOPROTO unsupported protocol version\r\n_\r\n"
                    "%1\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
    send_text(fd, "INFO cluster\r\n");
    expect_text(fd, "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
    send_text(fd, "HELLO 2\r\n");
    expect_text(fd, "*14\r\n");
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(answers_long_values_in_pieces)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    size_t len = (size_t)20 << 20;
    char *value = malloc(len);
    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)(i * 31 + i / 4099);
    ck_assert(asks(c, "OK", "SET long %b", value, len));
    for (int i = 0; i < 3; i++)
        redisAppendCommand(c, "GET long");
    redisAppendCommand(c, "GETRANGE long 5000000 9999999");
    redisAppendCommand(c, "PING");
    redisReply *r;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        ck_assert_uint_eq(r->len, len);
        ck_assert_int_eq(memcmp(r->str, value, len), 0);
        freeReplyObject(r);
    }
    ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
    ck_assert_uint_eq(r->len, 5000000);
    ck_assert_int_eq(memcmp(r->str, value + 5000000, 5000000), 0);
    freeReplyObject(r);
    ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
    ck_assert_str_eq(r->str, "PONG");
    freeReplyObject(r);
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(knows_its_clients)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--threads", "3", NULL});
    redisContext *c = instance_connect(&s), *other[4];
    for (int i = 0; i < 4; i++) {
        other[i] = instance_connect(&s);
        ck_assert(asks(other[i], "OK", "CLIENT SETNAME other-%d", i));
    }
    ck_assert(asks(c, "OK", "CLIENT SETINFO lib-name tester"));
    redisReply *r = ask(c, "CLIENT LIST");
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, " name=other-%d ", i);
        ck_assert_ptr_nonnull(strstr(r->str, name));
    }
    ck_assert_ptr_nonnull(strstr(r->str, " lib-name=tester "));
    ck_assert_ptr_nonnull(strstr(r->str, " cmd=client|list "));
    ck_assert_ptr_nonnull(strstr(r->str, " qbuf=26 ")); /* this command */
    freeReplyObject(r);
    for (int i = 0; i < 4; i++) {
        int64_t id = ask_integer(other[i], "CLIENT ID");
        ck_assert_int_eq(ask_integer(c, "CLIENT KILL ID %lld", (long long)id), 1);
        ck_assert_int_eq(ask_integer(c, "CLIENT KILL ID %lld", (long long)id), 0);
        ck_assert_int_eq(info_number(c, "connected_clients"), 4 - i);
        ck_assert(is_closed(other[i]->fd));
        redisFree(other[i]);
    }
    ck_assert(asks(c, "ERR No such client", "CLIENT KILL 1.2.3.4:5"));
    ck_assert(asks(c, "ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.", "CLIENT NOSUCH"));
    ck_assert_int_eq(ask_integer(c, "CLIENT KILL SKIPME no TYPE normal"), 1);
    ck_assert(is_closed(c->fd));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* To another key, and with what is said of the key besides its value. */
START_TEST(carries_values_over)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    char *value = malloc(100000);
    ck_assert_ptr_nonnull(value);
    memset(value, 'v', 100000);
    static const size_t lengths[] = {0, 1, 5000, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ck_assert(asks(c, "OK", "SET from %b", value, lengths[i]));
        redisReply *r = ask(c, "DUMP from");
        ck_assert_int_eq(r->type, REDIS_REPLY_STRING);
        ck_assert(asks(c, "OK", "RESTORE to 0 %b REPLACE", r->str, r->len));
        ck_assert_int_eq(ask_integer(c, "STRLEN to"), (int64_t)lengths[i]);
        ck_assert_int_eq(ask_integer(c, "PTTL to"), -1);
        ck_assert(
            asks(c, "BUSYKEY Target key name already exists.", "RESTORE to 0 %b", r->str, r->len));
        ck_assert(asks(c, "OK", "RESTORE to 100000 %b REPLACE IDLETIME 5", r->str, r->len));
        ck_assert_int_gt(ask_integer(c, "PTTL to"), 50000);
        ck_assert(asks(c, "OK", "RESTORE to 4102444800000 %b REPLACE ABSTTL", r->str, r->len));
        ck_assert_int_eq(ask_integer(c, "EXPIRETIME to"), 4102444800);
        ck_assert(asks(c, "OK", "RESTORE to 1000 %b REPLACE ABSTTL", r->str, r->len));
        ck_assert_int_eq(ask_integer(c, "EXISTS to"), 0);
        r->str[0] ^= 1;
        ck_assert(asks(c, "ERR DUMP payload version or checksum are wrong", "RESTORE to 0 %b",
                       r->str, r->len));
        freeReplyObject(r);
    }
    free(value);
    ck_assert(asks(c, "ERR syntax error", "RESTORE to 0 x NOSUCH"));
    ck_assert(asks(c, "ERR Invalid TTL value, must be >= 0", "RESTORE to -1 x"));
    ck_assert_int_eq(ask_integer(c, "HSET small f 1 g two"), 2);
    redisReply *r = ask(c, "DUMP small");
    ck_assert_int_eq(r->type, REDIS_REPLY_STRING);
    ck_assert(asks(c, "OK", "RESTORE to 100000 %b REPLACE", r->str, r->len));
    freeReplyObject(r);
    ck_assert(asks(c, "hash", "TYPE to"));
    ck_assert_int_eq(ask_integer(c, "HLEN to"), 2);
    ck_assert(asks(c, "two", "HGET to g"));
    ck_assert_int_gt(ask_integer(c, "PTTL to"), 50000);
    r = ask(c, "DUMP none");
    ck_assert_int_eq(r->type, REDIS_REPLY_NIL);
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(keeps_silent_when_asked)
{
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    send_text(fd, "CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n");
    expect_text(fd, "$1\r\n1\r\n");
    send_text(fd, "CLIENT REPLY OFF\r\nSET a 2\r\nGET a\r\nCLIENT REPLY ON\r\nGET a\r\n");
    expect_text(fd, "+OK\r\n$1\r\n2\r\n");
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(changes_its_configuration)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--maxmemory", "64mb", "--save", "900 1", NULL});
    redisContext *c = instance_connect(&s);
    redisReply *r = ask(c, "CONFIG GET maxmemory");
    ck_assert_uint_eq(r->elements, 2);
    ck_assert_str_eq(r->element[1]->str, "67108864");
    freeReplyObject(r);
    r = ask(c, "CONFIG GET save");
    ck_assert_str_eq(r->element[1]->str, "");
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru"));
    r = ask(c, "CONFIG GET maxmemory-policy");
    ck_assert_str_eq(r->element[1]->str, "allkeys-lru");
    freeReplyObject(r);
    /* All or nothing. */
    r = ask(c, "CONFIG SET maxmemory 50mb timeout -1");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    ck_assert_ptr_nonnull(
        strstr(r->str, "CONFIG SET failed (possibly related to argument 'timeout"));
    freeReplyObject(r);
    ck_assert_int_eq(info_number(c, "maxmemory"), 100 << 20);
    ck_assert(asks(c,
                   "ERR CONFIG SET failed (possibly related to argument 'port') - can't set "
                   "immutable config",
                   "CONFIG SET port 1"));
    ck_assert(asks(c,
                   "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set "
                   "immutable config",
                   "CONFIG SET daemonize yes"));
    /* What each option has already it takes again. */
    r = ask(c, "CONFIG GET *");
    ck_assert_uint_gt(r->elements, 200);
    for (size_t i = 0; i + 1 < r->elements; i += 2) {
        const char *words[] = {"CONFIG", "SET", r->element[i]->str, r->element[i + 1]->str};
        redisReply *set = redisCommandArgv(c, 4, words, NULL);
        ck_assert_ptr_nonnull(set);
        ck_assert_msg(strcmp(set->str, "OK") == 0, "%s: %s", words[2], set->str);
        freeReplyObject(set);
    }
    freeReplyObject(r);
    ck_assert(asks(c, "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
                   "CONFIG SET nosuch 1"));
    ck_assert(asks(c, "ERR The server is running without a config file", "CONFIG REWRITE"));
    ck_assert(asks(c, "OK", "CONFIG RESETSTAT"));
    ck_assert_int_le(info_number(c, "total_commands_processed"), 3);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(counts_commands_and_errors)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    for (int i = 0; i < 5; i++)
        ck_assert(asks(c, "OK", "SET k v"));
    freeReplyObject(ask(c, "GET"));
    freeReplyObject(ask(c, "INCR k"));
    redisReply *r = ask(c, "INFO everything");
    ck_assert_ptr_nonnull(strstr(r->str, "cmdstat_set:calls=5,usec="));
    ck_assert_ptr_nonnull(strstr(r->str, "cmdstat_get:calls=0,usec="));
    ck_assert_ptr_nonnull(strstr(r->str, "rejected_calls=1,failed_calls=0"));
    ck_assert_ptr_nonnull(strstr(r->str, "rejected_calls=0,failed_calls=1"));
    ck_assert_ptr_nonnull(strstr(r->str, "errorstat_ERR:count=2"));
    ck_assert_ptr_nonnull(strstr(r->str, "db0:keys=1,expires=0,avg_ttl=0"));
    static const char *const sections[] = {"Server",      "Clients", "Memory",      "Persistence",
                                           "Stats",       "CPU",     "Replication", "Keyspace",
                                           "Compression", "Zspool",  "Ladder",      "Cluster"};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        char title[32];
        snprintf(title, sizeof title, "# %s\r\n", sections[i]);
        ck_assert_ptr_nonnull(strstr(r->str, title));
    }
    freeReplyObject(r);
    ck_assert_int_gt(ask_integer(c, "MEMORY USAGE k"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(asks_for_the_password)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--requirepass", "secret", NULL});
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "NOAUTH Authentication required.", "GET a"));
    ck_assert(asks(c, "WRONGPASS invalid username-password pair or user is disabled.", "AUTH sec"));
    ck_assert(asks(c, "WRONGPASS invalid username-password pair or user is disabled.",
                   "AUTH nobody secret"));
    ck_assert(asks(c, "OK", "AUTH secret"));
    ck_assert(asks(c, "OK", "SET a b"));
    /* The password counts from the command behind it on, within one pipeline, too. */
    int fd = instance_socket(&s);
    send_text(fd, "GET a\r\nAUTH default secret\r\nGET a\r\nMSET 1 1 2 2 3 3 4 4 5 5 6 6\r\n");
    expect_text(fd, "-NOAUTH Authentication required.\r\n+OK\r\n$1\r\nb\r\n+OK\r\n");
    close(fd);
    ck_assert(asks(c, "OK", "CONFIG SET requirepass new"));
    redisReply *r = ask(c, "HELLO 2 AUTH default new");
    ck_assert_uint_eq(r->elements, 14);
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* How many keys one step of SCAN tells, and where it goes on. */
static size_t scan_step(redisContext *c, const char *options, unsigned long long *cursor)
{
    char line[64];
    snprintf(line, sizeof line, "SCAN %llu%s", *cursor, options);
    redisReply *r = ask(c, line);
    ck_assert_uint_eq(r->elements, 2);
    *cursor = strtoull(r->element[0]->str, NULL, 10);
    size_t n = r->element[1]->elements;
    freeReplyObject(r);
    return n;
}

START_TEST(walks_few_keys_at_once_and_many_in_steps)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    unsigned long long cursor = 0;
    ck_assert_uint_eq(scan_step(c, "", &cursor), 0);
    ck_assert_uint_eq(cursor, 0);
    ck_assert(asks(c, "OK", "MSET a 1 b 2 c 3"));
    ck_assert_uint_eq(scan_step(c, "", &cursor), 3);
    ck_assert_uint_eq(cursor, 0);
    ck_assert_uint_eq(scan_step(c, " MATCH a", &cursor), 1);
    ck_assert_uint_eq(cursor, 0);
    ck_assert(asks(c, "OK", "DEBUG POPULATE 2000"));
    size_t seen = 0, steps = 0;
    do {
        size_t n = scan_step(c, "", &cursor);
        ck_assert_uint_le(n, 50);
        seen += n;
        steps++;
    } while (cursor != 0);
    ck_assert_uint_eq(seen, 2003);
    ck_assert_uint_gt(steps, 40);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* Small ones in one step. Of a large one each field that stays is seen once, while others come and
 * go. */
START_TEST(walks_hashes)
{
    enum { FIELDS = 2000 };
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    char cursor[32] = "0";
    unsigned char seen[FIELDS] = {0};
    for (int i = 0; i < FIELDS; i++)
        freeReplyObject(ask(c, "HSET h f%d %d x%d 0", i, i, i));
    size_t steps = 0;
    do {
        redisReply *r = ask(c, "HSCAN h %s MATCH f*", cursor);
        ck_assert_uint_eq(r->elements, 2);
        snprintf(cursor, sizeof cursor, "%s", r->element[0]->str);
        for (size_t i = 0; i < r->element[1]->elements; i += 2) {
            long n = strtol(r->element[1]->element[i]->str + 1, NULL, 10);
            ck_assert(n >= 0 && n < FIELDS);
            ck_assert_int_eq(strtol(r->element[1]->element[i + 1]->str, NULL, 10), n);
            seen[n]++;
        }
        freeReplyObject(r);
        for (size_t i = steps * 200; i < (steps + 1) * 200; i++)
            freeReplyObject(ask(c, "HDEL h x%d", (int)i));
        freeReplyObject(ask(c, "HSET h y%d 0", (int)steps));
        steps++;
    } while (strcmp(cursor, "0") != 0);
    ck_assert_uint_gt(steps, 4);
    ck_assert_uint_le(steps, 10);
    for (int i = 0; i < FIELDS; i++)
        ck_assert_uint_eq(seen[i], 1);
    redisReply *r = ask(c, "HSCAN h 0 COUNT 10000 NOVALUES");
    ck_assert_str_eq(r->element[0]->str, "0");
    ck_assert_int_eq((int64_t)r->element[1]->elements, ask_integer(c, "HLEN h"));
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(tells_the_time_to_the_microsecond)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    bool finer = false;
    for (int i = 0; i < 20 && !finer; i++) {
        redisReply *r = ask(c, "TIME");
        ck_assert_uint_eq(r->elements, 2);
        finer = strtol(r->element[1]->str, NULL, 10) % 1000 != 0;
        freeReplyObject(r);
    }
    ck_assert(finer);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("basics");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, sets_and_gets);
    tcase_add_test(t, says_hello);
    tcase_add_test(t, answers_long_values_in_pieces);
    tcase_add_test(t, knows_its_clients);
    tcase_add_test(t, carries_values_over);
    tcase_add_test(t, keeps_silent_when_asked);
    tcase_add_test(t, changes_its_configuration);
    tcase_add_test(t, counts_commands_and_errors);
    tcase_add_test(t, asks_for_the_password);
    tcase_add_test(t, walks_few_keys_at_once_and_many_in_steps);
    tcase_add_test(t, walks_hashes);
    tcase_add_test(t, tells_the_time_to_the_microsecond);
    Suite *s = suite_create("server_basics");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
