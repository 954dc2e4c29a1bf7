#include "auth.h"

#include <string.h>

#include "acl.h"
#include "acl_denied.h"
#include "options/option.h"
#include "server.h"

const struct option options_security[] = {
    {.name = "requirepass",
     .kind = OPTION_TEXT,
     .flags = OPTION_SECRET,
     .at = offsetof(struct settings, requirepass),
     .preset = "",
     .summary = "password of the user default, as whom clients log in that name no other"},
    {.name = "protected-mode",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, protected_mode),
     .preset = "yes",
     .summary = "whether only the loopback may connect while no password is set"},
    {.name = NULL},
};

/* The work is the same whether there is such a user or not: how long it takes tells nothing. */
static bool is_right(const struct acl_user *u, const char *password, size_t len)
{
    uint8_t hash[ACL_HASH_BYTES];
    acl_hash(password, len, hash);
    return u != NULL && u->enabled && (u->nopass || acl_user_has_secret(u, hash));
}

bool auth_try(struct request *rq, size_t user, size_t password)
{
    size_t name_len = 7, len;
    const char *name = user == 0 ? "default" : request_flat(rq, user, &name_len);
    const char *given = name == NULL ? NULL : request_flat(rq, password, &len);
    if (given == NULL)
        return false;
    struct acl_user *u = acl_get(rq->server, name, name_len);
    if (is_right(u, given, len)) {
        acl_client_become(rq->client, u);
        return true;
    }
    acl_let_go(rq->server, u);
    acl_denied_login(rq, name, name_len);
    resp_error(rq->out, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}
