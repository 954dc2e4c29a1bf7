/* Expiry as arguments: which unit, which instant, and what is out of range. */
#include "internal.h"

enum expiry_unit expiry_option(const struct request *rq, size_t i)
{
    if (request_is(rq, i, "ex"))
        return EXPIRY_EX;
    if (request_is(rq, i, "px"))
        return EXPIRY_PX;
    if (request_is(rq, i, "exat"))
        return EXPIRY_EXAT;
    if (request_is(rq, i, "pxat"))
        return EXPIRY_PXAT;
    return EXPIRY_NONE;
}

void reply_expire_time_error(struct request *rq)
{
    resp_errorf(rq->out, "ERR invalid expire time in '%s' command", rq->command->name);
}

bool expiry_argument(struct request *rq, size_t i, enum expiry_unit unit, int64_t *at_ms)
{
    int64_t n;
    if (!request_integer(rq, i, &n))
        return false;
    bool seconds = unit == EXPIRY_EX || unit == EXPIRY_EXAT;
    bool relative = unit == EXPIRY_EX || unit == EXPIRY_PX;
    bool valid = n > 0 && !(seconds && n > INT64_MAX / 1000);
    if (valid && seconds)
        n *= 1000;
    if (valid && relative)
        valid = n <= INT64_MAX - rq->now_ms;
    if (!valid) {
        reply_expire_time_error(rq);
        return false;
    }
    *at_ms = relative ? n + rq->now_ms : n;
    return true;
}
