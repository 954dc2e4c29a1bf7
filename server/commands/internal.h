/* What the files of commands/ share, grouped by the file that defines it. Nothing here is for
 * others. */
#ifndef SERVER_COMMANDS_INTERNAL_H
#define SERVER_COMMANDS_INTERNAL_H

#include <stdio.h>

#include "command.h"

/* ---- lookup.c: finding a key of the wanted type, and what may be done with its value ---- */

enum lookup {
    LOOKUP_FOUND,
    LOOKUP_MISSING, /* nothing replied yet */
    LOOKUP_REPLIED, /* another type, or no memory: the error is replied */
};
/* cache_get() of a key that must hold `type`. Found: the caller ends the view. */
enum lookup lookup_type(struct request *rq, const struct cache_key *key, enum cache_type type,
                        unsigned flags, struct cache_view *view);
/* Locks the shard of one key for several calls; replies the error and returns false when it cannot.
 */
bool lock_key(struct request *rq, const struct cache_key *key);
/* Reads a short value whole. False when it is longer than cap, or damaged. */
bool view_text(struct request *rq, struct cache_view *view, char *buf, size_t cap, size_t *len);
/* Compares without a copy of the whole; a damaged value equals nothing. */
bool view_equals(struct request *rq, struct cache_view *view, const char *text, size_t len);
/* XXH3 of the value. False when it is damaged or memory is short. */
bool view_digest(struct request *rq, struct cache_view *view, uint64_t *digest);

/* A cache_source over bytes in one range. */
struct cache_source source_flat(const void *bytes, size_t len);
/* A cache_source over argument i, which gives back each chunk once the next is asked for: the
 * memory of a long value is counted as that of the request or of the cache, not as both. */
struct argument_reader {
    struct resp_arg_reader reader;
    struct request *rq;
    size_t at; /* length of the chunk that is being read */
};
struct cache_source source_argument(struct request *rq, size_t i, struct argument_reader *reader);

/* ---- flat_arguments.c: arguments that came in chunks, in one piece ---- */

/* Calls fn with a request whose arguments all have a ptr; copies those that came in chunks, and is
 * nothing but the call when there are none. Replies the error when they are longer than `most`
 * bytes together, or memory is short. */
void with_flat_arguments(struct request *rq, size_t most, command_fn *fn);

/* ---- value_copy.c: from key to key without the whole value in one place ---- */

/* Stores the value of the view under another key, with its type; the view is ended. Both keys are
 * locked. */
enum cache_status copy_value(struct request *rq, struct cache_view *from,
                             const struct cache_key *to, int64_t expire_ms);

/* ---- expiry.c: expiry options and times ---- */

enum expiry_unit {
    EXPIRY_EX,
    EXPIRY_PX,
    EXPIRY_EXAT,
    EXPIRY_PXAT,
    EXPIRY_KEEP,
    EXPIRY_PERSIST,
    EXPIRY_NONE
};
/* Which of EX, PX, EXAT, PXAT the argument is; EXPIRY_NONE for any other word. */
enum expiry_unit expiry_option(const struct request *rq, size_t i);
/* Absolute milliseconds from argument i, which must be positive; replies the error and returns
 * false otherwise. */
bool expiry_argument(struct request *rq, size_t i, enum expiry_unit unit, int64_t *at_ms);
void reply_expire_time_error(struct request *rq);

/* ---- set_options.c ---- */

enum set_condition {
    SET_ALWAYS,
    SET_NX,
    SET_XX,
    SET_IFEQ,
    SET_IFNE,
    SET_IFDEQ,
    SET_IFDNE,
};
struct set_options {
    enum set_condition condition;
    size_t operand; /* argument of IFEQ and its kin */
    bool get;
    enum expiry_unit expiry;
    size_t expiry_arg;
};
enum set_options_of { OPTIONS_OF_SET, OPTIONS_OF_GETEX, OPTIONS_OF_MSETEX };
/* Reads the options from argument `first` on. Replies a syntax error and returns false. */
bool set_options_parse(struct request *rq, size_t first, enum set_options_of which,
                       struct set_options *o);
/* True when the word is IFEQ, IFNE, IFDEQ or IFDNE. */
bool set_condition_compares(const struct request *rq, size_t i, enum set_condition *c);
enum set_verdict { VERDICT_YES, VERDICT_NO, VERDICT_REPLIED };
/* Whether the condition (IFEQ or its kin) with its operand holds for a value. */
enum set_verdict set_condition_holds(struct request *rq, enum set_condition c, size_t operand,
                                     struct cache_view *view);
/* Digest operands are 16 hexadecimal digits. Replies the error and returns false. */
bool set_digest_argument(struct request *rq, size_t i, uint64_t *digest);

/* ---- keys.c: many keys at once, and key positions ---- */

/* Argument i as the cursor of a scan, an unsigned decimal number. Replies the error and returns
 * false. */
bool request_cursor(struct request *rq, size_t i, uint64_t *cursor);
/* The number after COUNT of SCAN and HSCAN, 1 or more. On false an error has been replied. */
bool request_scan_count(struct request *rq, size_t i, int64_t *count);
/* Begins the reply of these: the cursor; what was found is to follow as one array. */
void reply_cursor(struct request *rq, uint64_t cursor);

#define KEYS_INLINE 64
/* The keys of a command, one every `step` arguments from `first`. */
struct key_list {
    size_t count;
    struct cache_key *keys;
    struct cache_key few[KEYS_INLINE];
};
/* Hashes the keys; replies the error and returns false (nothing to end then). */
bool key_list_begin(struct request *rq, struct key_list *l, size_t first, size_t count,
                    size_t step);
void key_list_end(struct key_list *l);
/* Number of keys after a "numkeys" at argument `at`; for `keys` of movable-key commands. */
int keys_after_count(size_t argc, const struct resp_arg *argv, size_t at, size_t step, int *pos,
                     int max);

/* ---- key_access.c ---- */

/* What the command does to the value under its first key, and under others; but for options. */
void command_key_access(const struct command *c, uint8_t *access);

/* ---- cmd_bit.c ---- */

/* Argument i, times scale, as the number of a bit. Replies the error and returns false. */
bool request_bit_offset(struct request *rq, size_t i, uint64_t scale, uint64_t *offset);

/* ---- key_flags.c ---- */

/* "RW access update": what the command does with its first key, and with others. */
const char *command_key_flags(const struct command *c, bool first);

/* ---- command_names.c: names of flags and groups ---- */

const char *command_flag_name(unsigned bit); /* NULL: not shown */
const char *command_group_name(enum command_group g);
#endif
