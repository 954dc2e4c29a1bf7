/* A real server for a test, and ways to speak with it. Faults of the harness end the test by
 * Check's ck_abort. */
#ifndef INTEGRATION_HARNESS_H
#define INTEGRATION_HARNESS_H

#include <check.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct instance {
    pid_t pid;
    int port;     /* 0 = none */
    char dir[64]; /* a folder of its own, gone after the stop */
    char unix_path[96];
    int output; /* what the server prints; the banner has been read */
};

/* Starts the server on a free port of the loopback and on a unix socket, with further options
 * (pairs, then NULL), and waits until it listens. */
void instance_start(struct instance *s, const char *const *options);
/* Sends SIGTERM and waits for the end. Returns the exit status, 128 + n for signal n. */
int instance_stop(struct instance *s);
int instance_wait(struct instance *s);
/* Runs the server with these arguments until it ends by itself; what it printed is in `out`.
 * Returns the exit status. */
int server_run(const char *const *arguments, char *out, size_t cap);

/* A case of tests that each find a fresh server of three workers, which ends with exit status 0
 * after them; and running it as the whole of a program, whose exit status is returned. */
extern struct instance served;
TCase *server_case(const char *name, double seconds);
int server_case_run(TCase *c);

redisContext *instance_connect(const struct instance *s);
/* A plain socket whose reads fail after ten seconds. */
int instance_socket(const struct instance *s);
/* The same, speaking RESP3. */
int instance_resp3(const struct instance *s);
/* Resident memory in bytes. */
uint64_t instance_rss(const struct instance *s);
/* False in builds with sanitizers, whose own memory drowns the server's. */
bool memory_is_telling(void);

void send_bytes(int fd, const char *bytes, size_t len);
void send_text(int fd, const char *text);
/* Reads exactly n bytes, or fails the test. */
void read_bytes(int fd, char *buf, size_t n);
/* Reads exactly the text, or fails the test. */
void expect_text(int fd, const char *text);
/* True when the peer has closed and nothing more comes. */
bool is_closed(int fd);
/* Reads all until the peer closes; returns how many bytes, of which the first are in buf. */
size_t read_all(int fd, char *buf, size_t cap);

/* The reply of a command; the caller frees it. Never NULL. */
redisReply *ask(redisContext *c, const char *format, ...);
/* Whether the reply of a command is this status, string or error. */
bool asks(redisContext *c, const char *wanted, const char *format, ...);
int64_t ask_integer(redisContext *c, const char *format, ...);
/* A number of INFO; -1 = there is no such field. */
int64_t info_number(redisContext *c, const char *field);
/* Asks until the field has reached `least` (or is at most it, with `most`), ten seconds long. */
bool await_info(redisContext *c, const char *field, int64_t wanted, bool at_least);

#endif
