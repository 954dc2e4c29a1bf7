/* What a server must stand: odd sizes, many keys at once, text that would break replies, peers that
 * come and go, strangers who do not read. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define MANY 100000

static struct instance server;
static redisContext *c;

static void start(void)
{
    instance_start(&server, NULL);
    c = instance_connect(&server);
}

static void stop(void)
{
    redisFree(c);
    ck_assert_int_eq(instance_stop(&server), 0);
}

/* ---- sizes ---- */

/* All bytes there are, and no two lengths with the same text. */
static void fill(char *bytes, size_t len, size_t seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 131 + i / 251 + seed);
}

START_TEST(values_of_any_length)
{
    static const size_t lengths[] = {0,     1,     2,     15,    16,     17,     31,     32,
                                     33,    63,    64,    65,    127,    128,    255,    256,
                                     257,   511,   512,   513,   1023,   1024,   1025,   4095,
                                     4096,  4097,  16383, 16384, 16385,  32767,  32768,  32769,
                                     65535, 65536, 65537, 98304, 131071, 131072, 131073, 1048577};
    static char value[1048577];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        fill(value, lengths[i], i);
        ck_assert(asks(c, "OK", "SET length:%d %b", (int)i, value, lengths[i]));
        ck_assert_int_eq(ask_integer(c, "STRLEN length:%d", (int)i), (int64_t)lengths[i]);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        redisReply *r = ask(c, "GET length:%d", (int)i);
        fill(value, lengths[i], i);
        ck_assert_uint_eq(r->len, lengths[i]);
        ck_assert(memcmp(r->str, value, r->len) == 0);
        freeReplyObject(r);
    }
}
END_TEST

START_TEST(keys_of_any_length)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 250, 255, 256, 512, 4096, 65535, 65536};
    static char key[65537];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        fill(key, lengths[i], 7);
        ck_assert(asks(c, "OK", "SET %b %d", key, lengths[i], (int)i));
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char wanted[8];
        snprintf(wanted, sizeof wanted, "%d", (int)i);
        fill(key, lengths[i], 7);
        ck_assert(asks(c, wanted, "GET %b", key, lengths[i]));
    }
    fill(key, sizeof key, 7);
    ck_assert(asks(c, "ERR key is too long", "SET %b v", key, sizeof key));
    ck_assert(asks(c, "ERR key is too long", "GET %b", key, sizeof key));
    ck_assert_int_eq(ask_integer(c, "DBSIZE"), sizeof lengths / sizeof lengths[0]);
}
END_TEST

/* "MSET k0 v k1 v ...", or without the values. */
static redisReply *ask_many(const char *name, unsigned n, bool values)
{
    static char keys[MANY][16];
    const char **argv = calloc(1 + 2 * (size_t)n, sizeof *argv);
    ck_assert_ptr_nonnull(argv);
    int argc = 0;
    argv[argc++] = name;
    for (unsigned i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "many:%u", i);
        argv[argc++] = keys[i];
        if (values)
            argv[argc++] = keys[i];
    }
    redisReply *r = redisCommandArgv(c, argc, argv, NULL);
    ck_assert_ptr_nonnull(r);
    free(argv);
    return r;
}

START_TEST(very_many_keys)
{
    redisReply *r = ask_many("MSET", MANY, true);
    ck_assert_str_eq(r->str, "OK");
    freeReplyObject(r);
    r = ask_many("MGET", MANY, false);
    ck_assert_uint_eq(r->elements, MANY);
    for (unsigned i = 0; i < MANY; i += 997) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "many:%u", i);
        ck_assert_str_eq(r->element[i]->str, wanted);
    }
    freeReplyObject(r);
    r = ask_many("EXISTS", MANY, false);
    ck_assert_int_eq(r->integer, MANY);
    freeReplyObject(r);
    r = ask_many("DEL", MANY, false);
    ck_assert_int_eq(r->integer, MANY);
    freeReplyObject(r);
    ck_assert_int_eq(ask_integer(c, "DBSIZE"), 0);
}
END_TEST

/* ---- text of users in errors ---- */

/* The first argument that is "?" becomes text with line breaks, with NUL, or of 64 KiB. */
static const char *const telling[] = {
    "?",
    "? a b",
    "NOSUCH ?",
    "CLIENT ?",
    "CLIENT SETNAME ?",
    "CLIENT SETINFO ? v",
    "CLIENT SETINFO lib-name ?",
    "CLIENT KILL ?",
    "CLIENT KILL TYPE ?",
    "CLIENT KILL USER ?",
    "CLIENT LIST TYPE ?",
    "CONFIG ?",
    "CONFIG SET ? 1",
    "CONFIG SET maxmemory ?",
    "CONFIG SET maxmemory-policy ?",
    "CONFIG SET client-output-buffer-limit ?",
    "COMMAND ?",
    "COMMAND GETKEYS ?",
    "HELLO ?",
    "HELLO 3 ?",
    "HELLO 3 SETNAME ?",
    "AUTH ?",
    "AUTH ? ?",
    "SELECT ?",
    "OBJECT ? k",
    "MEMORY ?",
    "LATENCY GRAPH ?",
    "SLOWLOG GET ?",
    "INCRBY k ?",
    "INCRBYFLOAT k ?",
    "SET k v ?",
    "SET k v EX ?",
    "SETEX k ? v",
    "EXPIRE k 1 ?",
    "GETRANGE k ? 0",
    "SCAN ?",
    "SCAN 0 ?",
    "HSCAN k ?",
    "COPY k k2 DB ?",
    "FLUSHDB ?",
    "SHUTDOWN ?",
    "ZDICT ?",
};

static size_t odd_text(unsigned kind, char *text)
{
    if (kind == 0)
        return (size_t)sprintf(text, "x\r\n-ERR broken\r\n+OK");
    if (kind == 1) {
        memcpy(text, "a\0b\0", 4);
        return 4;
    }
    memset(text, '\r', 65536);
    return 65536;
}

static void send_command(int fd, const char *pattern, const char *text, size_t len)
{
    char words[128], head[64];
    snprintf(words, sizeof words, "%s", pattern);
    int argc = 1;
    for (const char *at = words; *at != '\0'; at++)
        argc += *at == ' ';
    snprintf(head, sizeof head, "*%d\r\n", argc);
    send_text(fd, head);
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        bool odd = strcmp(word, "?") == 0;
        size_t size = odd ? len : strlen(word);
        snprintf(head, sizeof head, "$%zu\r\n", size);
        send_text(fd, head);
        send_bytes(fd, odd ? text : word, size);
        send_text(fd, "\r\n");
    }
}

/* One line that begins with '-' and has nothing in it that a line must not have, then the reply to
 * what follows. */
START_TEST(errors_stay_one_line)
{
    static char text[65536], reply[8192];
    size_t len = odd_text((unsigned)_i, text);
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        int fd = instance_socket(&server);
        send_command(fd, telling[i], text, len);
        send_text(fd, "*1\r\n$4\r\nQUIT\r\n");
        size_t got = read_all(fd, reply, sizeof reply);
        close(fd);
        ck_assert_msg(got < sizeof reply && got > 7 && memcmp(reply + got - 5, "+OK\r\n", 5) == 0,
                      "%s: %zu bytes", telling[i], got);
        got -= 5;
        bool one = reply[0] == '-' && memcmp(reply + got - 2, "\r\n", 2) == 0;
        for (size_t at = 0; one && at + 2 < got; at++)
            one = reply[at] != '\r' && reply[at] != '\n' && reply[at] != '\0';
        ck_assert_msg(one, "%s: %.*s", telling[i], (int)got, reply);
    }
}
END_TEST

/* ---- peers ---- */

static unsigned descriptors(void)
{
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)server.pid);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

START_TEST(no_descriptor_is_lost)
{
    ck_assert(asks(c, "PONG", "PING")); /* it has been accepted */
    unsigned before = descriptors();
    for (int i = 0; i < 3000; i++) {
        int fd = instance_socket(&server);
        if (i % 3 == 0)
            send_text(fd, "PING\r\n");
        if (i % 3 == 1)
            send_text(fd, "*2\r\n$4\r\nECHO\r\n$100\r\nabc");
        close(fd);
    }
    ck_assert(await_info(c, "connected_clients", 1, false));
    ck_assert_uint_eq(descriptors(), before);
}
END_TEST

static int64_t cpu_ticks(void)
{
    char path[64], text[512];
    long user = -1, system = -1;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)server.pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    (void)fclose(file);
    ck_assert_int_eq(sscanf(strrchr(text, ')') + 2,
                            "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system),
                     2);
    return user + system;
}

/* A client that does not read costs nothing while it waits. */
START_TEST(waiting_for_a_reader_is_cheap)
{
    static char value[1 << 20];
    ck_assert(asks(c, "OK", "SET long %b", value, sizeof value));
    int fd = instance_socket(&server);
    for (int i = 0; i < 100; i++)
        send_text(fd, "GET long\r\n");
    while (info_number(c, "client_recent_max_output_buffer") <= 0)
        ck_assert(asks(c, "PONG", "PING"));
    int64_t before = cpu_ticks();
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    /* Of 50 hundredths of a second; the keeper may code what is new meanwhile. */
    ck_assert_int_le(cpu_ticks() - before, 15);
    close(fd);
}
END_TEST

START_TEST(strangers_must_read)
{
    static const char many[] =
        "GET k\r\nGET k\r\nGET k\r\nGET k\r\nGET k\r\nGET k\r\nGET k\r\nGET k\r\n";
    struct instance s;
    instance_start(&s, (const char *const[]){"--requirepass", "secret", NULL});
    int fd = instance_socket(&s);
    redisContext *known = instance_connect(&s);
    ck_assert(asks(known, "OK", "AUTH secret"));
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    /* Until the server has closed. */
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    ssize_t sent = 0;
    while (sent >= 0 || (errno == EAGAIN && info_number(known, "connected_clients") > 1)) {
        (void)poll(&room, 1, 100);
        sent = send(fd, many, sizeof many - 1, MSG_NOSIGNAL);
    }
    ck_assert(await_info(known, "connected_clients", 1, false));
    ck_assert_int_eq(info_number(known, "client_output_buffer_limit_disconnections"), 1);
    close(fd);
    redisFree(known);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* The most that was resident so far. */
static uint64_t peak_rss(const struct instance *s)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)s->pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "VmHWM: %llu", &kib);
    (void)fclose(file);
    return kib << 10;
}

/* A request, `times` times another, and a third. */
static void send_many(int fd, const char *first, const char *each, unsigned times, const char *last)
{
    send_text(fd, first);
    for (unsigned i = 0; i < times; i++)
        send_text(fd, each);
    send_text(fd, last);
}

/* A reply of many long parts keeps to the limit while it is made, and not only at its end. */
START_TEST(replies_of_many_parts)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--client-output-buffer-limit", "normal 4mb 0 0",
                                             "--threads", "1", NULL});
    redisContext *one = instance_connect(&s);
    static char value[1 << 20];
    memset(value, 'x', sizeof value);
    ck_assert_int_eq(ask_integer(one, "HSET h f %b", value, sizeof value), 1);
    for (int64_t closed = 0; closed < 3; closed++) {
        int fd = instance_socket(&s);
        if (closed == 0)
            send_text(fd, "HRANDFIELD h -200 WITHVALUES\r\n");
        else if (closed == 1)
            send_many(fd, "HMGET h", " f", 200, "\r\n");
        else
            send_many(fd, "MULTI\r\n", "HGETALL h\r\n", 200, "EXEC\r\n");
        ck_assert(await_info(one, "client_output_buffer_limit_disconnections", closed + 1, true));
        close(fd);
    }
    if (memory_is_telling())
        ck_assert_uint_lt(peak_rss(&s), (uint64_t)64 << 20);
    redisFree(one);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* Gathering the names of all keys takes memory, for which others are evicted. */
START_TEST(names_of_all_keys)
{
    struct instance s;
    char name[120];
    if (!memory_is_telling())
        return;
    memset(name, 'n', sizeof name);
    instance_start(&s, (const char *const[]){"--maxmemory", "64mb", "--threads", "1", NULL});
    redisContext *one = instance_connect(&s);
    for (int i = 0; i < 300; i++) {
        for (int j = 0; j < 1000; j++) {
            (void)snprintf(name, sizeof name, "%06d", i * 1000 + j);
            ck_assert_int_eq(redisAppendCommand(one, "SET %b 1", name, sizeof name), REDIS_OK);
        }
        for (int j = 0; j < 1000; j++) {
            redisReply *r = NULL;
            ck_assert_int_eq(redisGetReply(one, (void **)&r), REDIS_OK);
            ck_assert_int_eq(r->type, REDIS_REPLY_STATUS);
            freeReplyObject(r);
        }
    }
    redisReply *keys = ask(one, "KEYS *");
    ck_assert_int_eq(keys->type, REDIS_REPLY_ARRAY);
    ck_assert_uint_gt(keys->elements, 50000);
    freeReplyObject(keys);
    redisReply *scan = ask(one, "SCAN 0 COUNT 1000000000");
    ck_assert_int_eq(scan->type, REDIS_REPLY_ARRAY);
    ck_assert_str_eq(scan->element[0]->str, "0");
    ck_assert_uint_gt(scan->element[1]->elements, 50000);
    freeReplyObject(scan);
    ck_assert_uint_lt(peak_rss(&s), ((uint64_t)64 << 20) / 20 * 21 + ((uint64_t)16 << 20));
    /* What may not be evicted is kept instead of its name. */
    ck_assert(asks(one, "OK", "CONFIG SET maxmemory-policy noeviction"));
    ck_assert(asks(one, "OK", "CONFIG SET maxmemory 30mb"));
    ck_assert(asks(one, "OOM command not allowed when used memory > 'maxmemory'.", "KEYS *"));
    redisFree(one);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* A key that came in chunks is made flat, for which there may be no memory. */
START_TEST(long_keys_without_memory)
{
    struct instance s;
    static char key[33000];
    memset(key, 'k', sizeof key);
    instance_start(&s, (const char *const[]){"--maxmemory", "100kb", NULL});
    redisContext *one = instance_connect(&s);
    for (int i = 0; i < 100; i++)
        ck_assert(asks(one, "OOM command not allowed when used memory > 'maxmemory'.",
                       "MGET short %b", key, sizeof key));
    redisFree(one);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("hostile");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, values_of_any_length);
    tcase_add_test(t, keys_of_any_length);
    tcase_add_test(t, very_many_keys);
    tcase_add_loop_test(t, errors_stay_one_line, 0, 3);
    tcase_add_test(t, no_descriptor_is_lost);
    tcase_add_test(t, names_of_all_keys);
    tcase_add_test(t, waiting_for_a_reader_is_cheap);
    tcase_add_test(t, strangers_must_read);
    tcase_add_test(t, replies_of_many_parts);
    tcase_add_test(t, long_keys_without_memory);
    return server_case_run(t);
}
