/* What a command is: a row of a table and a handler. Handlers know the request, the cache and the
 * reply writer; they know nothing of sockets or events. */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cache/cache.h"
#include "protocol/resp_parser.h"
#include "protocol/resp_writer.h"

struct server;
struct worker;
struct client;
struct command;

/* One command being carried out. Lives on the worker's stack. */
struct request {
    struct server *server;
    struct worker *worker;
    struct client *client;         /* never NULL; a script has a client of its own */
    struct cache_thread *cache;    /* entered */
    const struct command *command; /* the row, or the row of the subcommand */
    size_t argc;
    const struct resp_arg *argv;
    struct resp_out *out; /* exactly one reply goes here */
    int64_t now_ms;       /* one time for all of a transaction or script */
};

typedef void command_fn(struct request *rq);

/* Redis's names, so that COMMAND INFO can print them. */
enum command_flags {
    CMD_WRITE = 1u << 0,
    CMD_READONLY = 1u << 1,
    CMD_DENYOOM = 1u << 2,
    CMD_ADMIN = 1u << 3,
    CMD_PUBSUB = 1u << 4,
    CMD_NOSCRIPT = 1u << 5,
    CMD_BLOCKING = 1u << 6,
    CMD_LOADING = 1u << 7,
    CMD_STALE = 1u << 8,
    CMD_FAST = 1u << 9,
    CMD_NO_AUTH = 1u << 10,
    CMD_NO_MULTI = 1u << 11,
    CMD_MOVABLEKEYS = 1u << 12,
    CMD_SKIP_MONITOR = 1u << 13,
    CMD_SKIP_SLOWLOG = 1u << 14,
    CMD_ALLOW_BUSY = 1u << 15,    /* also while a script keeps all others waiting */
    CMD_MAY_REPLICATE = 1u << 16, /* writes, or tells others than the client */
    /* ACL categories only; the first two in the place of the group's */
    CMD_KEYSPACE = 1u << 17,
    CMD_CONNECTION = 1u << 18,
    CMD_DANGEROUS = 1u << 23,
    /* Not Redis's: */
    CMD_SUBSCRIBED = 1u << 19, /* allowed to a subscriber that speaks RESP2 */
    CMD_AT_ONCE = 1u << 20,    /* runs after MULTI, too, where others are queued */
    CMD_OTHER_DB = 1u << 21,   /* touches, or goes over to, another database than the client's */
    CMD_APART = 1u << 22,      /* looks at no key, nor at what all of them make up */
    CMD_TIMED = 1u << 31,      /* may be slow, so it is timed by itself. Set by the table */
};

/* ACL categories that flags do not imply. */
enum command_group {
    GROUP_GENERIC,
    GROUP_STRING,
    GROUP_HASH,
    GROUP_BITMAP,
    GROUP_CONNECTION,
    GROUP_SERVER,
    GROUP_PUBSUB,
    GROUP_TRANSACTIONS,
    GROUP_SCRIPTING,
    GROUP_ZSCACHE, /* our own */
};

/* What is done to the value under a key. Looking whether the key is there, or at the length of the
 * value, is neither. */
enum key_access { KEY_READ = 1, KEY_WRITE = 2 };

struct command {
    const char *name; /* lower case; a subcommand's is the part after the bar */
    command_fn *fn;   /* NULL for a container, whose subcommands have theirs */
    int arity;        /* with the name; negative = at least */
    uint32_t flags;
    enum command_group group;
    int first_key, last_key, key_step; /* 0 0 0 = none; last_key negative counts from the end */
    const struct command *subcommands; /* ends with a row whose name is NULL */
    const char *since;                 /* of Redis, or "zscache 0.1" */
    const char *complexity;
    const char *summary;
    const char *args;    /* syntax as in the manual: "key value [NX | XX] [GET] ..." */
    const char *differs; /* from Redis, one sentence; NULL = does not */
    /* Fills positions of keys for CMD_MOVABLEKEYS; returns how many, -1 = syntax. */
    int (*keys)(size_t argc, const struct resp_arg *argv, int *pos, int max);
    /* Set by the table: */
    const struct command *container; /* of a subcommand */
    uint8_t key_access[2];           /* enum key_access, of the first key and of others */
};

/* Tables, one a file of commands/, ended by a row whose name is NULL. */
extern const struct command commands_string[];
extern const struct command commands_set[];
extern const struct command commands_mset[];
extern const struct command commands_patch[];
extern const struct command commands_bit[];
extern const struct command commands_bitop[];
extern const struct command commands_bitfield[];
extern const struct command commands_dump[];
extern const struct command commands_lcs[];
extern const struct command commands_function[];
extern const struct command commands_debug[];
extern const struct command commands_save[];
extern const struct command commands_counter[];
extern const struct command commands_increx[];
extern const struct command commands_generic[];
extern const struct command commands_expire[];
extern const struct command commands_keyspace[];
extern const struct command commands_hash[];
extern const struct command commands_hash_walk[];
extern const struct command commands_hash_scan[];
extern const struct command commands_object[];
extern const struct command commands_acl[];
extern const struct command commands_connection[];
extern const struct command commands_client[];
extern const struct command commands_server[];
extern const struct command commands_config[];
extern const struct command commands_info[];
extern const struct command commands_command[];
extern const struct command commands_dict[];
extern const struct command commands_compat[];
extern const struct command commands_pubsub[];
extern const struct command commands_monitor[];
extern const struct command commands_transaction[];
extern const struct command commands_slowlog[];
extern const struct command commands_latency[];
extern const struct command commands_script[];

/* The table of all commands, hashed by name. Made once at start, then read only. */
struct command_table;
struct command_table *command_table_create(void);
void command_table_destroy(struct command_table *t);
/* Case does not matter. NULL when there is none. A row with both fn and subcommands (COMMAND) runs
 * fn when it comes alone. */
const struct command *command_find(const struct command_table *t, const char *name, size_t len);
const struct command *command_find_sub(const struct command *container, const char *name,
                                       size_t len);
size_t command_count(const struct command_table *t);
/* The same with all subcommands, and the ends of their tables: rows without a name. */
size_t command_row_count(const struct command_table *t);
/* A stable number 0..command_row_count()-1, for per-command statistics; those of subcommands come
 * behind those of all commands. */
size_t command_index(const struct command_table *t, const struct command *c);
const struct command *command_at(const struct command_table *t, size_t index);
/* "get", "client|list". `cap` of COMMAND_NAME_MAX holds all. */
#define COMMAND_NAME_MAX 64
void command_full_name(const struct command *c, char *name, size_t cap);
/* Positions of all keys of a command. -1 = the arguments do not tell. Fills at most max, returns
 * how many there are. */
int command_key_positions(const struct command *c, size_t argc, const struct resp_arg *argv,
                          int *pos, int max);

/* Calls fn with each ACL category ("read", "fast", ...) of the command. */
void command_categories(const struct command *c, void (*fn)(void *arg, const char *name),
                        void *arg);

/* Writes docs/commands.md (--print-commands-manual). False when writing fails or memory is
 * short. */
bool command_manual_print(const struct command_table *t, FILE *out);

/* ---- what handlers use ---- */

/* Calls after a key was changed, deleted, or came into being: wakes WATCH, client tracking and
 * keyspace notifications. `event` is Redis's name ("set", "del", "expire", ...). Cheap when nobody
 * listens. Implemented in touched.c. */
void request_touched(struct request *rq, const struct cache_key *key, const char *event);
/* The same for a whole database (db < 0: all). */
void request_flushed(struct request *rq, int db);
/* A key was looked for and not found: there is an event for that. */
void request_missed(struct request *rq, const struct cache_key *key);

/* What the server and the client of a request are, for handlers that know neither struct. */
struct cache *request_cache(const struct request *rq);
const struct command_table *request_commands(const struct request *rq);
enum cache_policy request_policy(const struct request *rq);
unsigned request_databases(const struct request *rq);
unsigned request_db(const struct request *rq);
/* CACHE_GET_TOUCH, or 0 for a client that asked CLIENT NO-TOUCH: the flags of a reading
 * cache_get(). */
unsigned request_touch(const struct request *rq);
/* Between two steps of a long command that holds nothing of the cache: lets others have their turn
 * who want it to themselves. Replies the error and returns false when one of them keeps it. */
bool request_give_way(struct request *rq);
/* What OBJECT ENCODING says of the key in argument i, of which `info` tells. NULL: it is gone, or
 * memory is short, which is replied. */
const char *request_encoding(struct request *rq, size_t i, const struct cache_item_info *info);
/* Up to which size a hash is a listpack for it: fields, and bytes of each field and value. */
struct hash_limits {
    uint64_t fields, bytes;
};
struct hash_limits request_hash_limits(const struct request *rq);
/* Bytes of a long argument that were freed since it was read. */
void request_give_back(struct request *rq, size_t bytes);

/* Argument i as a key of the client's database; replies the error and returns false when it is too
 * long. */
bool request_key(struct request *rq, size_t i, struct cache_key *key);
/* Integer argument; replies "ERR value is not an integer or out of range" and returns false. */
bool request_integer(struct request *rq, size_t i, int64_t *out);
/* The same without a reply. */
bool request_parse_integer(const struct request *rq, size_t i, int64_t *out);
/* Argument i equals this lower-case word, case aside. */
bool request_is(const struct request *rq, size_t i, const char *word);
/* Reads argument i as one range; copies it into the worker's scratch when it came in chunks. NULL =
 * no memory (replied). */
const char *request_flat(struct request *rq, size_t i, size_t *len);

void reply_syntax_error(struct request *rq);
/* "ERR wrong number of arguments for 'x' command", for what the arity of the row cannot say. */
void reply_arity_error(struct request *rq);
/* For a subcommand that is unknown or has other arguments, of a command in capitals. */
void reply_subcommand_error(struct request *rq, const char *command);
/* An array of simple strings, from lines that end with NULL: the reply of HELP subcommands. */
void reply_help(struct request *rq, const char *const *lines);
void reply_wrong_type(struct request *rq);
void reply_oom(struct request *rq);
/* A script keeps the cache locked. */
void reply_busy(struct request *rq);
/* For a status that is an error: CACHE_OOM -> -OOM, CACHE_TOOBIG -> ERR string exceeds maximum
 * allowed size, CACHE_DAMAGED -> ERR. */
void reply_cache_error(struct request *rq, enum cache_status status);
/* Between two parts of a reply that may be long: hands on what is written, once that is much, so
 * that the limits of the client hold. False when it passes one or memory is short: what else is
 * written goes nowhere, and the connection is closed at the end of the command. */
bool reply_goes_on(struct request *rq);
/* The value of a view as a bulk string; a long one becomes a stream on the client's output. Ends
 * the view. A damaged value is answered as a miss. */
void reply_view(struct request *rq, struct cache_view *v);
/* The same for len bytes at off; a damaged value is answered with none. */
void reply_view_part(struct request *rq, struct cache_view *v, size_t off, size_t len);

#endif
