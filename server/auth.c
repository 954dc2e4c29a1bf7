#include "auth.h"

#include <string.h>

#include "option.h"
#include "server.h"

const struct option options_security[] = {
    {.name = "requirepass",
     .kind = OPTION_TEXT,
     .flags = OPTION_SECRET,
     .at = offsetof(struct settings, requirepass),
     .preset = "",
     .summary = "password that clients must give by AUTH or HELLO"},
    {.name = "protected-mode",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, protected_mode),
     .preset = "yes",
     .summary = "whether only the loopback may connect while no password is set"},
    {.name = NULL},
};

/* Looks at every byte of what was given, whatever the password is: how long it takes tells
 * nothing of how much was right. */
static bool same_secret(const char *secret, const char *given, size_t len)
{
    size_t secret_len = strlen(secret);
    unsigned char differs = len != secret_len;
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned char)(given[i] ^ secret[secret_len > 0 ? i % secret_len : 0]);
    return differs == 0;
}

bool auth_try(struct request *rq, size_t user, size_t password)
{
    struct settings *s = &rq->server->settings;
    size_t len;
    const char *given = request_flat(rq, password, &len);
    lock_acquire(&s->lock);
    bool ok =
        given != NULL && (s->requirepass[0] == '\0' || same_secret(s->requirepass, given, len));
    lock_release(&s->lock);
    if (user != 0 && !(rq->argv[user].ptr != NULL && rq->argv[user].len == 7 &&
                       memcmp(rq->argv[user].ptr, "default", 7) == 0))
        ok = false;
    if (ok)
        rq->client->authenticated = true;
    else
        counter_add(&rq->worker->stats.auth_failures, 1);
    return ok;
}
