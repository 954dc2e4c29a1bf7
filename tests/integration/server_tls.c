/* TLS with a real server: who is let in, long values both ways, handshakes that do not end, new
 * certificates. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "tls_client.h"

static struct certificates certs;
static struct instance s;
static redisContext *admin; /* by the unix socket */

static void make(void)
{
    certificates_make(&certs);
}

static void discard(void)
{
    certificates_remove(&certs);
}

/* Options are pairs behind those of TLS. */
static void start(const char *const *more)
{
    char port[16];
    snprintf(port, sizeof port, "%d", free_port());
    const char *options[32] = {"--tls-port",         port,
                               "--tls-cert-file",    certs.path[SERVER_CRT],
                               "--tls-key-file",     certs.path[SERVER_KEY],
                               "--tls-ca-cert-file", certs.path[CA_CRT],
                               "--threads",          "2"};
    size_t n = 10;
    for (; more != NULL && *more != NULL; more++)
        options[n++] = *more;
    instance_start(&s, options);
    admin = redisConnectUnix(s.unix_path);
    ck_assert(admin != NULL && admin->err == 0);
}

static void stop(void)
{
    redisFree(admin);
    ck_assert_int_eq(instance_stop(&s), 0);
}

static void open_plainly(struct tls_client *c)
{
    ck_assert(tls_open(c, s.port, &certs, NULL, NULL));
}

static bool is_let_in(const char *crt, const char *key)
{
    struct tls_client c;
    bool in = tls_open(&c, s.port, &certs, crt, key);
    tls_shut(&c);
    return in;
}

START_TEST(who_is_let_in)
{
    const char *crt = certs.path[CLIENT_CRT], *key = certs.path[CLIENT_KEY];
    const char *other = certs.path[OTHER_CRT], *other_key = certs.path[OTHER_KEY];
    start(NULL);
    ck_assert(is_let_in(crt, key));
    ck_assert(!is_let_in(NULL, NULL));
    ck_assert(!is_let_in(other, other_key));
    ck_assert(asks(admin, "OK", "CONFIG SET tls-auth-clients optional"));
    ck_assert(is_let_in(crt, key));
    ck_assert(is_let_in(NULL, NULL));
    ck_assert(!is_let_in(other, other_key));
    ck_assert(asks(admin, "OK", "CONFIG SET tls-auth-clients no"));
    ck_assert(is_let_in(NULL, NULL));
    /* One who does not speak TLS hears nothing that could be taken for a reply. */
    char got[256];
    int fd = tls_socket(s.port);
    send_text(fd, "PING\r\n");
    size_t n = read_all(fd, got, sizeof got);
    ck_assert(n == 0 || got[0] == 0x15); /* an alert */
    close(fd);
    ck_assert(await_info(admin, "tls_handshakes_failed", 4, true));
    stop();
}
END_TEST

START_TEST(versions)
{
    struct tls_client c;
    start((const char *const[]){"--tls-auth-clients", "no", "--tls-protocols", "TLSv1.2",
                                "--tls-session-caching", "no", NULL});
    open_plainly(&c);
    ck_assert_str_eq(SSL_get_version(c.ssl), "TLSv1.2");
    tls_shut(&c);
    ck_assert(asks(admin, "OK", "CONFIG SET tls-protocols %s", "TLSv1.3"));
    open_plainly(&c);
    ck_assert_str_eq(SSL_get_version(c.ssl), "TLSv1.3");
    tls_shut(&c);
    redisReply *r = ask(admin, "CONFIG SET tls-protocols nonsense");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    ck_assert(is_let_in(NULL, NULL));
    stop();
}
END_TEST

/* ---- bytes ---- */

#define LONG ((size_t)12 << 20)

static char *random_bytes(size_t len)
{
    char *bytes = malloc(len);
    uint64_t x = 88172645463325252u;
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (char)x;
    }
    return bytes;
}

static void expect_bytes(struct tls_client *c, const char *bytes, size_t len)
{
    char *got = malloc(len);
    size_t n;
    ck_assert_ptr_nonnull(got);
    for (size_t at = 0; at < len; at += n)
        ck_assert_int_eq(SSL_read_ex(c->ssl, got + at, len - at, &n), 1);
    ck_assert(memcmp(got, bytes, len) == 0);
    free(got);
}

START_TEST(long_values)
{
    struct tls_client c;
    char head[64];
    char *value = random_bytes(LONG);
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    open_plainly(&c);
    snprintf(head, sizeof head, "*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$%zu\r\n", LONG);
    tls_send(&c, head, strlen(head));
    tls_send(&c, value, LONG);
    ck_assert(tls_asks(&c, "\r\n", "+OK\r\n"));
    /* Twice, and something behind them, all asked for before any of it is read. */
    tls_send(&c, "GET long\r\nGET long\r\nPING\r\n", 26);
    snprintf(head, sizeof head, "$%zu\r\n", LONG);
    for (int i = 0; i < 2; i++) {
        tls_expect(&c, head);
        expect_bytes(&c, value, LONG);
        tls_expect(&c, "\r\n");
    }
    tls_expect(&c, "+PONG\r\n");
    tls_shut(&c);
    free(value);
    stop();
}
END_TEST

START_TEST(records_of_all_sizes)
{
    struct tls_client c;
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    open_plainly(&c);
    /* A byte a record. */
    for (const char *at = "SET a b\r\nGET a\r\n"; *at != '\0'; at++)
        tls_send(&c, at, 1);
    tls_expect(&c, "+OK\r\n$1\r\nb\r\n");
    /* More at once than the server's buffer takes beside the start of a command that it has: the
     * library holds the rest, and nothing comes that would wake the server. */
    enum { PINGS = 10923 };
    char *pings = malloc(6 * PINGS);
    ck_assert_ptr_nonnull(pings);
    for (int i = 0; i < PINGS; i++)
        memcpy(pings + 6 * i, "PING\r\n", 6);
    tls_send(&c, "PING\r\nPI", 8);
    tls_expect(&c, "+PONG\r\n");
    tls_send_at_once(&c, pings + 2, 6 * PINGS - 2, false);
    for (int i = 0; i < PINGS; i++)
        tls_expect(&c, "+PONG\r\n");
    free(pings);
    tls_shut(&c);
    stop();
}
END_TEST

START_TEST(goodbyes)
{
    struct tls_client c;
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    /* The client's, behind commands, while its socket stays open. */
    open_plainly(&c);
    tls_send_at_once(&c, "SET a b\r\nGET a\r\n", 16, true);
    tls_expect(&c, "+OK\r\n$1\r\nb\r\n");
    ck_assert(tls_is_closed(&c));
    tls_shut(&c);
    /* The server's. */
    open_plainly(&c);
    ck_assert(tls_asks(&c, "QUIT\r\n", "+OK\r\n"));
    ck_assert(tls_is_closed(&c));
    ck_assert_int_eq(SSL_get_shutdown(c.ssl), SSL_RECEIVED_SHUTDOWN);
    tls_shut(&c);
    /* Killed by another, with replies on their way. */
    ck_assert_int_eq(ask_integer(admin, "SETRANGE long 30000000 x"), 30000001);
    ck_assert(await_info(admin, "connected_clients", 1, false));
    open_plainly(&c);
    tls_send(&c, "CLIENT SETNAME victim\r\n", 23);
    tls_expect(&c, "+OK\r\n");
    tls_send(&c, "GET long\r\n", 10);
    tls_expect(&c, "$30000001\r\n");
    ck_assert_int_eq(ask_integer(admin, "CLIENT KILL TYPE normal SKIPME yes"), 1);
    char piece[16384];
    int n;
    while ((n = SSL_read(c.ssl, piece, sizeof piece)) > 0)
        ;
    tls_shut(&c);
    ck_assert(asks(admin, "PONG", "PING"));
    stop();
}
END_TEST

/* ---- handshakes ---- */

START_TEST(handshakes_that_do_not_end)
{
    struct tls_client c;
    int half[3];
    start((const char *const[]){"--tls-auth-clients", "no", "--tls-max-handshakes", "3",
                                "--tls-handshake-timeout", "1", NULL});
    open_plainly(&c);
    for (int i = 0; i < 3; i++)
        half[i] = tls_socket(s.port);
    /* They are at the workers before the next one comes. */
    ck_assert(await_info(admin, "connected_clients", 5, true));
    int late = tls_socket(s.port);
    ck_assert(is_closed(late));
    close(late);
    /* Half a greeting is none. */
    send_bytes(half[0], "\x16\x03\x01\x02", 4);
    for (int i = 0; i < 3; i++) {
        ck_assert(is_closed(half[i]));
        close(half[i]);
    }
    /* A client that is in is not late, and there is room again. */
    ck_assert(tls_asks(&c, "ECHO x\r\n", "$1\r\nx\r\n"));
    tls_shut(&c);
    open_plainly(&c);
    tls_shut(&c);
    stop();
}
END_TEST

/* The greeting comes a byte at a time. */
START_TEST(slow_handshakes)
{
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    struct tls_client c = {.fd = tls_socket(s.port), .context = SSL_CTX_new(TLS_client_method())};
    c.ssl = SSL_new(c.context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(c.ssl, in, out);
    char piece[4096];
    int n;
    while (SSL_connect(c.ssl) != 1) {
        while ((n = BIO_read(out, piece, sizeof piece)) > 0)
            for (int i = 0; i < n; i++)
                send_bytes(c.fd, piece + i, 1);
        n = (int)recv(c.fd, piece, sizeof piece, 0);
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(BIO_write(in, piece, n), n);
    }
    ck_assert_int_eq(SSL_write(c.ssl, "PING\r\n", 6), 6);
    while ((n = BIO_read(out, piece, sizeof piece)) > 0)
        send_bytes(c.fd, piece, (size_t)n);
    char pong[7];
    while (SSL_read(c.ssl, pong, 7) != 7) {
        n = (int)recv(c.fd, piece, sizeof piece, 0);
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(BIO_write(in, piece, n), n);
    }
    ck_assert(memcmp(pong, "+PONG\r\n", 7) == 0);
    tls_shut(&c);
    stop();
}
END_TEST

/* ---- certificates ---- */

START_TEST(new_certificates)
{
    struct tls_client before, after;
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    open_plainly(&before);
    long serial = tls_serial(&before);
    certificates_renew(&certs);
    /* The same names, read again. */
    ck_assert(asks(admin, "OK", "CONFIG SET tls-cert-file %s tls-key-file %s",
                   certs.path[SERVER_CRT], certs.path[SERVER_KEY]));
    open_plainly(&after);
    ck_assert_int_ne(tls_serial(&after), serial);
    serial = tls_serial(&after);
    ck_assert(tls_asks(&before, "PING\r\n", "+PONG\r\n"));
    tls_shut(&before);
    tls_shut(&after);
    /* What is wrong changes nothing. */
    static const char *const wrong[][2] = {
        {"tls-cert-file", "/nonexistent"},    {"tls-key-file", "/nonexistent"},
        {"tls-ca-cert-file", "/nonexistent"}, {"tls-ciphers", "nonsense"},
        {"tls-ciphersuites", "nonsense"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        redisReply *r = ask(admin, "CONFIG SET %s %s", wrong[i][0], wrong[i][1]);
        ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
        freeReplyObject(r);
    }
    redisReply *r = ask(admin, "CONFIG SET tls-key-file %s", certs.path[CLIENT_KEY]);
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    r = ask(admin, "CONFIG GET tls-key-file");
    ck_assert_str_eq(r->element[1]->str, certs.path[SERVER_KEY]);
    freeReplyObject(r);
    open_plainly(&after);
    ck_assert_int_eq(tls_serial(&after), serial);
    tls_shut(&after);
    stop();
}
END_TEST

START_TEST(starts_with_faults)
{
    char out[4096];
    ck_assert_int_eq(server_run((const char *const[]){"--tls-port", "1", NULL}, out, sizeof out),
                     1);
    ck_assert_ptr_nonnull(strstr(out, "tls-cert-file and tls-key-file must be given"));
    ck_assert_int_eq(server_run((const char *const[]){"--tls-port", "1", "--tls-cert-file",
                                                      certs.path[SERVER_CRT], "--tls-key-file",
                                                      certs.path[SERVER_KEY], NULL},
                                out, sizeof out),
                     1);
    ck_assert_ptr_nonnull(strstr(out, "tls-ca-cert-file or tls-ca-cert-dir must be given"));
}
END_TEST

/* ---- memory, many at once ---- */

#define IDLE 300
/* Of an idle connection, all of it. */
#define IDLE_BYTES 24000

START_TEST(idle_connections_are_small)
{
    static struct tls_client c[IDLE];
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    for (int i = 0; i < 20; i++)
        open_plainly(&c[i]);
    uint64_t before = instance_rss(&s);
    for (int i = 20; i < IDLE; i++)
        open_plainly(&c[i]);
    uint64_t each = (instance_rss(&s) - before) / (IDLE - 20);
    if (memory_is_telling())
        ck_assert_msg(each < IDLE_BYTES, "%llu bytes each", (unsigned long long)each);
    for (int i = 0; i < IDLE; i++) {
        ck_assert(tls_asks(&c[i], "PING\r\n", "+PONG\r\n"));
        tls_shut(&c[i]);
    }
    ck_assert(await_info(admin, "connected_clients", 1, false));
    stop();
}
END_TEST

START_TEST(stops_with_clients)
{
    struct tls_client c[10];
    start((const char *const[]){"--tls-auth-clients", "no", NULL});
    int half = tls_socket(s.port);
    for (int i = 0; i < 10; i++)
        open_plainly(&c[i]);
    redisFree(admin);
    ck_assert_int_eq(instance_stop(&s), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert(tls_is_closed(&c[i]));
        tls_shut(&c[i]);
    }
    close(half);
}
END_TEST

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("server_tls");
    TCase *t = tcase_create("tls");
    tcase_set_timeout(t, 90);
    tcase_add_unchecked_fixture(t, make, discard);
    tcase_add_test(t, who_is_let_in);
    tcase_add_test(t, versions);
    tcase_add_test(t, long_values);
    tcase_add_test(t, records_of_all_sizes);
    tcase_add_test(t, goodbyes);
    tcase_add_test(t, handshakes_that_do_not_end);
    tcase_add_test(t, slow_handshakes);
    tcase_add_test(t, new_certificates);
    tcase_add_test(t, starts_with_faults);
    tcase_add_test(t, idle_connections_are_small);
    tcase_add_test(t, stops_with_clients);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
