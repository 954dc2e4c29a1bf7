/* Options of the cache, and handing them to it. */
#include "base/random.h"
#include "option.h"
#include "server.h"

static const char *policy_name(int64_t n)
{
    return n < CACHE_POLICIES ? cache_policy_name((enum cache_policy)n) : NULL;
}

static const char *compression_name(int64_t n)
{
    return n <= CACHE_UNCOMPRESSED ? cache_compression_name((enum cache_compression)n) : NULL;
}

/* Each under its present and its former name. */
#define HASH_FIELDS(n)                                                                             \
    {                                                                                              \
        .name = n, .kind = OPTION_NUMBER, .at = offsetof(struct settings, hash_fields),            \
        .max = INT64_MAX, .preset = "512",                                                         \
        .summary = "most fields of a hash that OBJECT ENCODING calls a listpack, as Redis does"    \
    }
#define HASH_BYTES(n)                                                                              \
    {                                                                                              \
        .name = n, .kind = OPTION_MEMORY, .at = offsetof(struct settings, hash_bytes),             \
        .max = INT64_MAX, .preset = "64",                                                          \
        .summary = "most bytes of a field or value of such a hash"                                 \
    }

const struct option options_memory[] = {
    {.name = "maxmemory",
     .kind = OPTION_SHARE,
     .at = offsetof(struct settings, maxmemory),
     .max = INT64_MAX,
     .preset = "75%",
     .summary = "memory that the process may take, everything counted; a percentage is of the "
                "memory of the machine or the cgroup; 0 = no cap"},
    {.name = "maxmemory-policy",
     .kind = OPTION_NAME,
     .at = offsetof(struct settings, policy),
     .name_of = policy_name,
     .preset = "allkeys-s3fifo",
     .summary = "what goes when memory is short"},
    {.name = "maxmemory-samples",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, samples),
     .min = 1,
     .max = 64,
     .preset = "10",
     .summary = "keys that the sampling policies (lru, lfu, random, ttl) compare"},
    {.name = "compression",
     .kind = OPTION_NAME,
     .at = offsetof(struct settings, compression),
     .name_of = compression_name,
     .preset = "adaptive",
     .summary = "when values are compressed"},
    {.name = "compression-cpu-percent",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, compression_cpu),
     .min = 1,
     .max = 100,
     .preset = "25",
     .summary = "share of one core that background compression may take while requests wait"},
    {.name = "memory-pressure",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, psi),
     .preset = "yes",
     .summary = "whether memory is given back, by evicting if need be, when the machine or the "
                "cgroup runs short of it"},
    {.name = "databases",
     .kind = OPTION_NUMBER,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, databases),
     .min = 1,
     .max = CACHE_MAX_DATABASES,
     .preset = "16",
     .summary = "number of databases"},
    HASH_FIELDS("hash-max-listpack-entries"),
    HASH_FIELDS("hash-max-ziplist-entries"),
    HASH_BYTES("hash-max-listpack-value"),
    HASH_BYTES("hash-max-ziplist-value"),
    {.name = NULL},
};

static struct cache_opts cache_options(const struct settings *s)
{
    return (struct cache_opts){
        .maxmemory = (uint64_t)setting_get(&s->maxmemory),
        .policy = (enum cache_policy)setting_get(&s->policy),
        .compression = (enum cache_compression)setting_get(&s->compression),
        .compression_cpu_percent = (unsigned)setting_get(&s->compression_cpu),
        .databases = (unsigned)setting_get(&s->databases),
        .maxmemory_samples = (unsigned)setting_get(&s->samples),
        .psi = setting_get(&s->psi) != 0,
    };
}

bool server_create_cache(struct server *s)
{
    struct cache_opts opts = cache_options(&s->settings);
    opts.on_event = hooks_cache_event;
    opts.event_arg = s;
    if (!random_secret(opts.hash_seed, sizeof opts.hash_seed))
        return false;
    s->cache = cache_create(&opts);
    return s->cache != NULL;
}

void server_configure_cache(struct server *s)
{
    struct cache_opts opts = cache_options(&s->settings);
    cache_configure(s->cache, &opts);
}
