/* What was denied: the newest entries, one for repetitions within a minute. Under the lock of who
 * owns it. */
#ifndef SERVER_ACL_LOG_H
#define SERVER_ACL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl_check.h"

#define ACL_LOG_OBJECT 128
#define ACL_LOG_CLIENT 512

/* Longer texts are cut. */
struct acl_log_entry {
    struct acl_log_entry *next;
    enum acl_verdict reason;
    const char *context; /* a constant: "toplevel", "multi", "lua" */
    uint64_t id, count;
    int64_t created_ms, updated_ms;
    size_t object_len, user_len;
    char object[ACL_LOG_OBJECT], user[ACL_LOG_OBJECT], client[ACL_LOG_CLIENT];
};

struct acl_log {
    struct acl_log_entry *first;
    size_t count;
    uint64_t next_id;
};

/* Takes the entry over; keeps at most `most` entries. */
void acl_log_add(struct acl_log *log, struct acl_log_entry *e, size_t most);
void acl_log_reset(struct acl_log *log);

#endif
