/* Users of a real server: logging in, what they may, what becomes of them. */
#include <arpa/inet.h>
#include <check.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static struct instance s;
static redisContext *admin;

static void begin(void)
{
    instance_start(&s, (const char *const[]){"--threads", "2", NULL});
    admin = instance_connect(&s);
}

static void end(void)
{
    redisFree(admin);
    ck_assert_int_eq(instance_stop(&s), 0);
}

static redisContext *login(const char *user, const char *password)
{
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "OK", "AUTH %s %s", user, password));
    return c;
}

#define WRONG  "WRONGPASS invalid username-password pair or user is disabled."
#define NOAUTH "NOAUTH Authentication required."

START_TEST(logging_in)
{
    redisContext *c = instance_connect(&s);
    ck_assert(asks(admin, "OK", "ACL SETUSER alice on >secret >other ~* +@all"));
    ck_assert(asks(admin, "OK", "ACL SETUSER bob off >secret ~* +@all"));
    ck_assert(asks(c, "default", "ACL WHOAMI"));
    ck_assert(asks(c, WRONG, "AUTH alice wrong"));
    ck_assert(asks(c, WRONG, "AUTH alice secre"));
    ck_assert(asks(c, WRONG, "AUTH nobody secret"));
    ck_assert(asks(c, WRONG, "AUTH bob secret"));
    ck_assert(asks(c, WRONG, "HELLO 3 AUTH alice wrong"));
    ck_assert(asks(c,
                   "ERR AUTH <password> called without any password configured for the default "
                   "user. Are you sure your configuration is correct?",
                   "AUTH secret"));
    ck_assert(asks(c, "default", "ACL WHOAMI"));
    ck_assert(asks(c, "OK", "AUTH alice secret"));
    ck_assert(asks(c, "OK", "AUTH alice other"));
    ck_assert(asks(c, "OK", "AUTH default anything"));
    redisReply *hello = ask(c, "HELLO 2 AUTH alice secret");
    ck_assert_int_eq(hello->type, REDIS_REPLY_ARRAY);
    freeReplyObject(hello);
    ck_assert(asks(c, "alice", "ACL WHOAMI"));
    ck_assert(asks(c, "RESET", "RESET"));
    ck_assert(asks(c, "default", "ACL WHOAMI"));
    ck_assert_int_eq(info_number(c, "acl_access_denied_auth"), 5);
    redisFree(c);
}
END_TEST

START_TEST(the_password_of_the_default_user)
{
    redisContext *c = instance_connect(&s), *late;
    ck_assert(asks(c, "PONG", "PING"));
    ck_assert(asks(admin, "OK", "CONFIG SET requirepass first"));
    /* A client that is in stays in. */
    ck_assert(asks(c, "PONG", "PING"));
    late = instance_connect(&s);
    ck_assert(asks(late, NOAUTH, "GET a"));
    ck_assert(asks(late, WRONG, "AUTH other"));
    ck_assert(asks(late, "OK", "AUTH first"));
    ck_assert(asks(late, "OK", "AUTH default first"));
    ck_assert(asks(late, "RESET", "RESET"));
    ck_assert(asks(late, NOAUTH, "GET a"));
    redisFree(late);
    late = instance_connect(&s);
    ck_assert(asks(late, NOAUTH, "PING"));
    ck_assert(asks(admin, "OK", "CONFIG SET requirepass second"));
    ck_assert(asks(late, WRONG, "AUTH first"));
    /* A password that is no more needed. */
    ck_assert(asks(admin, "OK", "CONFIG SET requirepass %s", ""));
    ck_assert(asks(late, "PONG", "PING"));
    ck_assert(asks(admin, "OK", "ACL SETUSER default resetpass"));
    redisContext *none = instance_connect(&s);
    ck_assert(asks(none, NOAUTH, "PING"));
    redisFree(none);
    redisFree(late);
    redisFree(c);
}
END_TEST

START_TEST(what_is_denied)
{
    ck_assert(asks(admin, "OK",
                   "ACL SETUSER app on >p ~app:* %%R~shared:* +@read +@write +config|get "
                   "-@dangerous"));
    redisContext *c = login("app", "p");
    ck_assert(asks(c, "OK", "SET app:1 x"));
    ck_assert(asks(c, "x", "GET app:1"));
    ck_assert(asks(c, "NOPERM No permissions to access a key", "SET shared:1 x"));
    ck_assert(asks(c, "NOPERM No permissions to access a key", "MGET app:1 other"));
    ck_assert(
        asks(c, "NOPERM User app has no permissions to run the 'flushall' command", "FLUSHALL"));
    ck_assert(asks(c, "NOPERM User app has no permissions to run the 'config|get' command",
                   "CONFIG GET maxmemory"));
    ck_assert(asks(c, "NOPERM User app has no permissions to run the 'acl|whoami' command",
                   "ACL WHOAMI"));
    /* Changes go for those who are in. */
    ck_assert(asks(admin, "OK", "ACL SETUSER app ~shared:* +acl|whoami -get"));
    ck_assert(asks(c, "OK", "SET shared:1 x"));
    ck_assert(asks(c, "app", "ACL WHOAMI"));
    ck_assert(asks(c, "NOPERM User app has no permissions to run the 'get' command", "GET app:1"));
    ck_assert(asks(admin, "OK", "ACL SETUSER app allkeys allcommands allchannels"));
    ck_assert(asks(c, "OK", "SET other x"));
    ck_assert(asks(admin, "OK", "ACL SETUSER app resetkeys"));
    ck_assert(asks(c, "NOPERM No permissions to access a key", "GET other"));
    ck_assert_int_eq(info_number(admin, "acl_access_denied_cmd"), 4);
    ck_assert_int_eq(info_number(admin, "acl_access_denied_key"), 3);
    redisFree(c);
}
END_TEST

START_TEST(long_keys_are_looked_at)
{
    /* Long enough to come in chunks. */
    size_t len = 40000;
    char *key = calloc(1, len + 1);
    ck_assert_ptr_nonnull(key);
    memset(key, 'k', len);
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p ~k* +@all"));
    redisContext *c = login("app", "p");
    ck_assert(asks(c, "OK", "SET %b v", key, len));
    ck_assert(asks(c, "v", "GET %b", key, len));
    key[0] = 'x';
    ck_assert(asks(c, "NOPERM No permissions to access a key", "GET %b", key, len));
    free(key);
    redisFree(c);
}
END_TEST

START_TEST(a_deleted_user_is_gone)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p allkeys allcommands allchannels"));
    redisContext *c[4];
    for (int i = 0; i < 4; i++) /* on both threads */
        c[i] = login("app", "p");
    ck_assert_int_eq(ask_integer(admin, "ACL DELUSER app nobody"), 1);
    for (int i = 0; i < 4; i++) {
        redisReply *r = redisCommand(c[i], "PING");
        ck_assert_ptr_null(r);
        redisFree(c[i]);
    }
    ck_assert(asks(admin, "ERR The 'default' user cannot be removed", "ACL DELUSER default"));
    /* A user that deletes itself hears of it. */
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p allkeys allcommands"));
    c[0] = login("app", "p");
    ck_assert_int_eq(ask_integer(c[0], "ACL DELUSER app"), 1);
    ck_assert_ptr_null(redisCommand(c[0], "PING"));
    redisFree(c[0]);
}
END_TEST

START_TEST(clients_have_users)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p ~* +@all"));
    redisContext *c = login("app", "p");
    redisReply *list = ask(admin, "CLIENT LIST");
    ck_assert_ptr_nonnull(strstr(list->str, "user=app "));
    ck_assert_ptr_nonnull(strstr(list->str, "user=default "));
    freeReplyObject(list);
    ck_assert(asks(admin, "ERR No such user 'nobody'", "CLIENT KILL USER nobody"));
    ck_assert_int_eq(ask_integer(admin, "CLIENT KILL USER app"), 1);
    /* Its thread hears of it a little later. */
    redisReply *pong;
    while ((pong = redisCommand(c, "PING")) != NULL)
        freeReplyObject(pong);
    redisFree(c);
}
END_TEST

static void expect_pair(const redisReply *map, const char *name, const char *value)
{
    for (size_t i = 0; i + 1 < map->elements; i += 2) {
        if (strcmp(map->element[i]->str, name) != 0)
            continue;
        ck_assert_str_eq(map->element[i + 1]->str, value);
        return;
    }
    ck_abort_msg("%s", name);
}

START_TEST(users_are_shown)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER bob on ~a* %%R~b +@read -get &ch (+set ~k)"));
    redisReply *r = ask(admin, "ACL GETUSER bob");
    expect_pair(r, "commands", "-@all +@read -get");
    expect_pair(r, "keys", "~a* %R~b");
    expect_pair(r, "channels", "&ch");
    freeReplyObject(r);
    r = ask(admin, "ACL GETUSER nobody");
    ck_assert_int_eq(r->type, REDIS_REPLY_NIL);
    freeReplyObject(r);
    r = ask(admin, "ACL LIST");
    ck_assert_uint_eq(r->elements, 2);
    ck_assert_str_eq(r->element[0]->str,
                     "user bob on sanitize-payload ~a* %R~b resetchannels &ch -@all +@read -get "
                     "(~k resetchannels -@all +set)");
    ck_assert_str_eq(r->element[1]->str, "user default on nopass sanitize-payload ~* &* +@all");
    freeReplyObject(r);
    r = ask(admin, "ACL USERS");
    ck_assert_uint_eq(r->elements, 2);
    freeReplyObject(r);
    /* A fault changes nothing. */
    ck_assert(asks(admin,
                   "ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name "
                   "in ACL",
                   "ACL SETUSER bob ~c +nosuch"));
    ck_assert(asks(admin, "ERR Unmatched parenthesis in acl selector starting at '(+get'.",
                   "ACL SETUSER bob ~c (+get"));
    r = ask(admin, "ACL GETUSER bob");
    expect_pair(r, "keys", "~a* %R~b");
    freeReplyObject(r);
    ck_assert(asks(admin, "OK", "ACL DRYRUN bob SET k v"));
    ck_assert(
        asks(admin, "User bob has no permissions to access the 'x' key", "ACL DRYRUN bob SET x v"));
    ck_assert(asks(admin, "User bob has no permissions to run the 'get' command",
                   "ACL DRYRUN bob GET a"));
    r = ask(admin, "ACL GENPASS");
    ck_assert_uint_eq(r->len, 64);
    freeReplyObject(r);
    r = ask(admin, "ACL CAT");
    ck_assert_uint_eq(r->elements, 21);
    freeReplyObject(r);
    r = ask(admin, "ACL CAT hash");
    ck_assert_uint_gt(r->elements, 10);
    freeReplyObject(r);
}
END_TEST

START_TEST(transactions_are_looked_at_twice)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p ~a +@all -flushall"));
    redisContext *c = login("app", "p");
    /* When it is queued. */
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, "QUEUED", "SET a 1"));
    ck_assert(asks(c, "NOPERM No permissions to access a key", "SET b 1"));
    ck_assert(asks(c, "EXECABORT Transaction discarded because of previous errors.", "EXEC"));
    /* When it is carried out. */
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, "QUEUED", "SET a 1"));
    ck_assert(asks(c, "QUEUED", "GET a"));
    ck_assert(asks(admin, "OK", "ACL SETUSER app -get"));
    redisReply *r = ask(c, "EXEC");
    ck_assert_uint_eq(r->elements, 2);
    ck_assert_str_eq(r->element[0]->str, "OK");
    ck_assert_str_eq(r->element[1]->str,
                     "NOPERM ACLs rules changed between the moment the transaction was accumulated "
                     "and the EXEC call. This command is no longer allowed for the following "
                     "reason: no permission to execute the command or subcommand");
    freeReplyObject(r);
    r = ask(admin, "ACL LOG");
    ck_assert_uint_eq(r->elements, 2);
    expect_pair(r->element[0], "object", "get");
    expect_pair(r->element[0], "context", "multi");
    expect_pair(r->element[1], "object", "b");
    expect_pair(r->element[1], "context", "multi");
    freeReplyObject(r);
    redisFree(c);
}
END_TEST

START_TEST(scripts)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p ~a +eval +get"));
    redisContext *c = login("app", "p");
    redisReply *r = ask(c, "EVAL %s 1 a", "return redis.call('get', KEYS[1])");
    ck_assert_int_eq(r->type, REDIS_REPLY_NIL);
    freeReplyObject(r);
    r = ask(c, "EVAL %s 1 a", "return redis.call('set', KEYS[1], 'x')");
    ck_assert_msg(strncmp(r->str,
                          "NOPERM ACL failure in script: User app has no permissions to run the "
                          "'set' command",
                          80) == 0,
                  "%s", r->str);
    freeReplyObject(r);
    static const char asked[] = "local may = redis.acl_check_cmd return "
                                "tostring(may('get', 'a')) .. tostring(may('get', 'b')) .. "
                                "tostring(may('set', 'a', '1'))";
    ck_assert(asks(c, "truefalsefalse", "EVAL %s 0", asked));
    /* Of the keys that EVAL names, and of those that it does not. */
    ck_assert(asks(c, "NOPERM No permissions to access a key", "EVAL %s 1 b", "return 1"));
    r = ask(c, "EVAL %s 0", "return redis.call('get', 'b')");
    ck_assert_msg(
        strncmp(r->str, "NOPERM ACL failure in script: No permissions to access a key", 50) == 0,
        "%s", r->str);
    freeReplyObject(r);
    r = ask(admin, "ACL LOG");
    ck_assert_uint_eq(r->elements, 3);
    expect_pair(r->element[0], "context", "lua");
    expect_pair(r->element[1], "context", "toplevel");
    expect_pair(r->element[2], "context", "lua");
    freeReplyObject(r);
    redisFree(c);
}
END_TEST

START_TEST(channels)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p +@all &news.* &a"));
    redisContext *c = login("app", "p"), *sub = login("app", "p");
    ck_assert_int_eq(ask_integer(c, "PUBLISH news.x 1"), 0);
    ck_assert(asks(c, "NOPERM No permissions to access a channel", "PUBLISH b 1"));
    ck_assert(asks(c, "NOPERM No permissions to access a channel", "SUBSCRIBE a b"));
    ck_assert(asks(c, "NOPERM No permissions to access a channel", "PSUBSCRIBE news.x*"));
    redisReply *r = ask(sub, "PSUBSCRIBE news.*");
    ck_assert_int_eq(r->type, REDIS_REPLY_ARRAY);
    freeReplyObject(r);
    /* A client that may no longer hear what it listens to is cut off; rules that allow more cut off
     * nobody. */
    ck_assert(asks(admin, "OK", "ACL SETUSER app &c"));
    ck_assert_int_eq(ask_integer(admin, "PUBLISH news.x 1"), 1);
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
    freeReplyObject(r);
    ck_assert(asks(admin, "OK", "ACL SETUSER app resetchannels &a"));
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_ERR);
    ck_assert_int_eq(ask_integer(c, "PUBLISH a 1"), 0);
    ck_assert_int_eq(info_number(admin, "acl_access_denied_channel"), 3);
    redisFree(sub);
    redisFree(c);
}
END_TEST

START_TEST(denials_are_logged)
{
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p ~a +@all -flushall"));
    redisContext *c = login("app", "p");
    for (int i = 0; i < 3; i++)
        ck_assert(asks(c, "NOPERM No permissions to access a key", "GET b"));
    ck_assert(
        asks(c, "NOPERM User app has no permissions to run the 'flushall' command", "FLUSHALL"));
    ck_assert(asks(c, WRONG, "AUTH app wrong"));
    redisReply *r = ask(admin, "ACL LOG");
    ck_assert_uint_eq(r->elements, 3);
    expect_pair(r->element[0], "reason", "auth");
    expect_pair(r->element[0], "username", "app");
    expect_pair(r->element[1], "reason", "command");
    expect_pair(r->element[1], "object", "flushall");
    expect_pair(r->element[2], "reason", "key");
    expect_pair(r->element[2], "object", "b");
    expect_pair(r->element[2], "context", "toplevel");
    ck_assert_int_eq(r->element[2]->element[1]->integer, 3);
    freeReplyObject(r);
    ck_assert(asks(admin, "OK", "CONFIG SET acllog-max-len 1"));
    ck_assert(asks(c, WRONG, "AUTH nobody wrong"));
    r = ask(admin, "ACL LOG 5");
    ck_assert_uint_eq(r->elements, 1);
    freeReplyObject(r);
    ck_assert(asks(admin, "OK", "ACL LOG RESET"));
    r = ask(admin, "ACL LOG");
    ck_assert_uint_eq(r->elements, 0);
    freeReplyObject(r);
    redisFree(c);
}
END_TEST

/* ---- files ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(users_in_a_file)
{
    char path[] = "/tmp/zscache-acl-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, "# users\nuser default on >admin ~* &* +@all\n\nuser app on >p ~app:* +@all\n"
                     "user old on >p ~* +zadd +get\n");
    instance_start(&s, (const char *const[]){"--aclfile", path, NULL});
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, NOAUTH, "PING"));
    ck_assert(asks(c, "OK", "AUTH admin"));
    redisContext *app = login("app", "p"), *old = login("old", "p");
    ck_assert(asks(c, "OK", "ACL SETUSER new on >n ~n +get"));
    ck_assert(asks(c, "OK", "ACL SAVE"));
    /* A file with a fault changes nothing. */
    FILE *f = fopen(path, "a");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs("user app on\n", f), 0);
    ck_assert_int_eq(fclose(f), 0);
    redisReply *r = ask(c, "ACL LOAD");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    ck_assert_ptr_nonnull(strstr(r->str, ":5: Duplicate user found"));
    freeReplyObject(r);
    ck_assert(asks(app, "OK", "SET app:1 x"));
    /* A user that is not in the file any more is gone, the others stay with what they may now. */
    write_file(path, "user app on >p ~b:* +@all\nuser default on >admin ~* &* +@all\n");
    ck_assert(asks(c, "OK", "ACL LOAD"));
    ck_assert(asks(app, "NOPERM No permissions to access a key", "SET app:1 x"));
    ck_assert(asks(app, "OK", "SET b:1 x"));
    ck_assert_ptr_null(redisCommand(old, "PING"));
    ck_assert(asks(c, "PONG", "PING"));
    redisFree(c);
    redisFree(app);
    redisFree(old);
    ck_assert_int_eq(instance_stop(&s), 0);
    write_file(path, "user x on +nosuch\n");
    char out[4096];
    ck_assert_int_eq(
        server_run((const char *const[]){"--port", "0", "--aclfile", path, NULL}, out, sizeof out),
        1);
    ck_assert_ptr_nonnull(strstr(out, "Unknown command or category name in ACL"));
    (void)unlink(path);
}
END_TEST

START_TEST(users_in_the_options)
{
    instance_start(&s,
                   (const char *const[]){"--user", "app on >p ~a +@all", "--user",
                                         "two on nopass ~b +get", "--requirepass", "admin", NULL});
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, NOAUTH, "PING"));
    ck_assert(asks(c, "OK", "AUTH two anything"));
    ck_assert(asks(c, "NOPERM No permissions to access a key", "GET a"));
    ck_assert(asks(c, "OK", "AUTH app p"));
    ck_assert(asks(c, "OK", "SET a x"));
    ck_assert(asks(c, "OK", "AUTH admin"));
    redisReply *r = ask(c, "ACL SAVE");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* ---- protected mode ---- */

/* Moves this process to a network of its own, whose loopback has a further address that is none of
 * the loopback's. False where that is not allowed. */
static bool enter_network(const char *address)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct ifreq more = {.ifr_name = "lo:1"};
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(inet_pton(AF_INET, address, &a.sin_addr), 1);
    memcpy(&more.ifr_addr, &a, sizeof a);
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0 && ioctl(fd, SIOCSIFADDR, &more) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* What somebody hears who connects from this address and says PING. */
static void ping_from(const char *address, char *heard, size_t cap)
{
    redisContext *c = redisConnect(address, s.port);
    ck_assert(c != NULL && c->err == 0);
    redisReply *r = redisCommand(c, "PING");
    snprintf(heard, cap, "%s", r == NULL ? c->errstr : r->str);
    if (r != NULL)
        freeReplyObject(r);
    redisFree(c);
}

START_TEST(protected_mode)
{
    static const char elsewhere[] = "10.77.66.55";
    char heard[1024];
    if (!enter_network(elsewhere))
        return;
    instance_start(&s, (const char *const[]){"--bind", "0.0.0.0", NULL});
    ping_from(elsewhere, heard, sizeof heard);
    ck_assert_msg(strncmp(heard, "DENIED zscache is running in protected mode", 43) == 0, "%s",
                  heard);
    ping_from("127.0.0.1", heard, sizeof heard);
    ck_assert_str_eq(heard, "PONG");
    admin = instance_connect(&s);
    /* A password is enough, and so is a default user who may not come in. */
    ck_assert(asks(admin, "OK", "CONFIG SET requirepass secret"));
    ping_from(elsewhere, heard, sizeof heard);
    ck_assert_str_eq(heard, NOAUTH);
    ck_assert(asks(admin, "OK", "CONFIG SET requirepass %s", ""));
    ping_from(elsewhere, heard, sizeof heard);
    ck_assert(strncmp(heard, "DENIED", 6) == 0);
    ck_assert(asks(admin, "OK", "ACL SETUSER default off"));
    ping_from(elsewhere, heard, sizeof heard);
    ck_assert_str_eq(heard, NOAUTH);
    ck_assert(asks(admin, "OK", "ACL SETUSER default on"));
    ck_assert(asks(admin, "OK", "CONFIG SET protected-mode no"));
    ping_from(elsewhere, heard, sizeof heard);
    ck_assert_str_eq(heard, "PONG");
    end();
}
END_TEST

/* Users change while their clients on other threads are at work. */
START_TEST(changes_under_load)
{
    instance_start(&s, (const char *const[]){"--threads", "4", NULL});
    admin = instance_connect(&s);
    redisContext *c[8];
    ck_assert(asks(admin, "OK", "ACL SETUSER app on >p allkeys +@all"));
    for (int i = 0; i < 8; i++)
        c[i] = login("app", "p");
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 8; i++)
            for (int n = 0; n < 10; n++)
                ck_assert_int_eq(redisAppendCommand(c[i], "SET key:%d %d", n, round), REDIS_OK);
        for (int i = 0; i < 8; i++) {
            int done = 0;
            while (done == 0)
                ck_assert_int_eq(redisBufferWrite(c[i], &done), REDIS_OK);
        }
        ck_assert(asks(admin, "OK", "ACL SETUSER app %s",
                       round % 3 == 0   ? "-set"
                       : round % 3 == 1 ? "+@all"
                                        : "allchannels"));
        for (int i = 0; i < 80; i++) {
            redisReply *r;
            ck_assert_int_eq(redisGetReply(c[i / 10], (void **)&r), REDIS_OK);
            ck_assert(strcmp(r->str, "OK") == 0 || strncmp(r->str, "NOPERM", 6) == 0);
            freeReplyObject(r);
        }
    }
    for (int i = 0; i < 8; i++)
        redisFree(c[i]);
    end();
}
END_TEST

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("server_acl");
    TCase *t = tcase_create("users");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, logging_in);
    tcase_add_test(t, the_password_of_the_default_user);
    tcase_add_test(t, what_is_denied);
    tcase_add_test(t, long_keys_are_looked_at);
    tcase_add_test(t, a_deleted_user_is_gone);
    tcase_add_test(t, clients_have_users);
    tcase_add_test(t, users_are_shown);
    tcase_add_test(t, transactions_are_looked_at_twice);
    tcase_add_test(t, scripts);
    tcase_add_test(t, channels);
    tcase_add_test(t, denials_are_logged);
    suite_add_tcase(suite, t);
    t = tcase_create("servers of their own");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, users_in_a_file);
    tcase_add_test(t, users_in_the_options);
    tcase_add_test(t, protected_mode);
    tcase_add_test(t, changes_under_load);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
