#include "memory_doctor.h"

#include <stdio.h>

#include "info.h"
#include "options/option.h"
#include "server.h"

#define MIB ((uint64_t)1 << 20)
/* The cap counts as near from this percentage on. */
#define NEAR_PERCENT 90
/* Less than this is not worth a word. */
#define WORTH_BYTES (4 * MIB)

#define SIZE(bytes) memory_text(bytes).text

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part * 100 / (double)whole + 0.5);
}

static unsigned long long number(uint64_t n)
{
    return n;
}

/* ---- what is there ---- */

static uint64_t page_bytes(const struct doctor_facts *f)
{
    return (uint64_t)f->pool.pages_used * ZS_PAGE_SIZE;
}

static void write_state(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    text_printf(t, "%llu items with %s of values and %s of keys; ", number(c->items),
                SIZE(c->raw_bytes), SIZE(c->key_bytes));
    text_printf(t, "the values are stored in %s (ratio %.2f).\n", SIZE(c->stored_bytes),
                c->stored_bytes == 0 ? 1.0 : (double)c->raw_bytes / (double)c->stored_bytes);
    text_printf(t, "Memory in use is %s", SIZE(c->used_memory));
    if (c->cap != 0)
        text_printf(t, ", %u%% of a cap of %s", percent(c->used_memory, c->cap), SIZE(c->cap));
    text_printf(t, "; the process has %s resident.\n", SIZE(f->rss));
    text_printf(t, "It holds: items %s, ", SIZE(f->pool.objects_bytes));
    text_printf(
        t, "room in their pages %s, ",
        SIZE(page_bytes(f) > f->pool.objects_bytes ? page_bytes(f) - f->pool.objects_bytes : 0));
    text_printf(t, "free pages %s, handles %s, ",
                SIZE((uint64_t)f->pool.pages_cached * ZS_PAGE_SIZE), SIZE(f->pool.table_bytes));
    text_printf(t, "index %s, memory of evicted keys %s, ", SIZE(c->index_bytes),
                SIZE(c->ghost_bytes));
    text_printf(t, "dictionaries %s, connections %s, the rest of the process %s.\n",
                SIZE(c->dict_bytes), SIZE(c->charged_bytes), SIZE(c->other_bytes));
}

/* ---- what could be better: each writes a line when it applies ---- */

static bool is_near_cap(const struct doctor_facts *f)
{
    return f->cache.cap != 0 && percent(f->cache.used_memory, f->cache.cap) >= NEAR_PERCENT;
}

static void about_cap(const struct doctor_facts *f, struct text *t)
{
    if (f->maxmemory == 0)
        text_printf(t, "No cap is set: memory grows with the data until the system ends the "
                       "process. Set maxmemory.\n");
    else if (f->maxmemory < f->cache.other_bytes + MIB)
        text_printf(t, "maxmemory leaves no room for data: the process alone takes %s. Raise it.\n",
                    SIZE(f->cache.other_bytes));
    else if (f->maxmemory > f->machine / 100 * NEAR_PERCENT)
        text_printf(t,
                    "maxmemory is %u%% of the %s that this process may use: leave some for the "
                    "system, or it may end the process.\n",
                    percent(f->maxmemory, f->machine), SIZE(f->machine));
}

static void about_pressure(const struct doctor_facts *f, struct text *t)
{
    if (f->cache.pressure == 0)
        return;
    text_printf(t, "The machine or the cgroup is %s of memory, so memory is given back",
                f->cache.pressure > 1 ? "very short" : "short");
    if (f->cache.cap != 0 && f->cache.cap != f->maxmemory)
        text_printf(t, " and the cap is lowered to %s for now", SIZE(f->cache.cap));
    text_printf(t, ". Lower maxmemory, or give the machine more.\n");
}

static void about_policy(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    bool is_volatile = f->policy >= CACHE_VOLATILE_LRU && f->policy <= CACHE_VOLATILE_TTL;
    if (c->refused > 0)
        text_printf(t,
                    "%llu writes were refused for lack of memory: raise maxmemory, or choose a "
                    "policy that evicts (it is %s).\n",
                    number(c->refused), cache_policy_name(f->policy));
    else if (is_near_cap(f) && f->policy == CACHE_NOEVICTION)
        text_printf(t, "The cap is near and the policy is noeviction: writes will be refused. "
                       "Raise maxmemory, or choose another maxmemory-policy.\n");
    if (is_near_cap(f) && is_volatile && f->expiring < c->items / 10)
        text_printf(t,
                    "The policy %s evicts only keys with an expiry, which %llu of %llu have: give "
                    "more keys an expiry, or choose a policy for all keys.\n",
                    cache_policy_name(f->policy), number(f->expiring), number(c->items));
}

static void about_eviction(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    if (c->evicted == 0)
        return;
    text_printf(t, "%llu items were evicted to stay below the cap", number(c->evicted));
    if (c->hits + c->misses > 0)
        text_printf(t, ", and %u%% of the reads miss", percent(c->misses, c->hits + c->misses));
    text_printf(t, ": more memory would keep more.\n");
}

static void about_fragmentation(const struct doctor_facts *f, struct text *t)
{
    uint64_t room =
        page_bytes(f) > f->pool.objects_bytes ? page_bytes(f) - f->pool.objects_bytes : 0;
    if (room > WORTH_BYTES && percent(room, page_bytes(f)) > 12)
        text_printf(t,
                    "%u%% of the pages of items is room that nothing uses (%s): items of other "
                    "sizes went. Compaction takes it back in the background.\n",
                    percent(room, page_bytes(f)), SIZE(room));
}

static void about_compression(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    if (f->compression == CACHE_UNCOMPRESSED) {
        text_printf(t, "Compression is off. With `compression adaptive` most values take a half "
                       "to a quarter.\n");
        return;
    }
    if (c->nursery_bytes > WORTH_BYTES && percent(c->nursery_bytes, c->used_memory) > 25)
        text_printf(t,
                    "%s of new values are not compressed yet: that follows within seconds, and "
                    "sooner with a higher compression-cpu-percent (it is %u).\n",
                    SIZE(c->nursery_bytes), f->cpu_percent);
    if (c->items >= 1000 && percent(c->incompressible, c->items) >= 30)
        text_printf(t,
                    "%u%% of the values do not shrink: they are random, encrypted, very short, or "
                    "compressed already. If clients compress them, let them not: trained "
                    "dictionaries often do better.\n",
                    percent(c->incompressible, c->items));
    if (c->dict_bytes > WORTH_BYTES && percent(c->dict_bytes, c->used_memory) > 8)
        text_printf(t,
                    "Dictionaries and samples for training take %u%%: ZDICT LIST shows which, and "
                    "ZDICT DROP lets go of one.\n",
                    percent(c->dict_bytes, c->used_memory));
}

static void about_keys(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    if (c->key_bytes > WORTH_BYTES && c->key_bytes > c->stored_bytes)
        text_printf(t, "Keys take more than the values as stored: shorter keys, or hashes of a few "
                       "fields, would help.\n");
    if (is_near_cap(f) && c->items >= 1000 && f->expiring == 0)
        text_printf(t, "No key has an expiry: what is no longer of use stays until it is "
                       "evicted.\n");
}

static void about_connections(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    if (c->charged_bytes > WORTH_BYTES && percent(c->charged_bytes, c->used_memory) > 10)
        text_printf(t,
                    "Connections hold %s: CLIENT LIST shows whose buffers (qbuf, omem); "
                    "client-output-buffer-limit and maxclients bound them.\n",
                    SIZE(c->charged_bytes));
}

static void about_process(const struct doctor_facts *f, struct text *t)
{
    const struct cache_stats *c = &f->cache;
    if (f->rss > c->used_memory + c->used_memory / 10 + 16 * MIB)
        text_printf(t,
                    "Resident memory is %s more than what is counted: MEMORY PURGE gives back what "
                    "the allocator keeps.\n",
                    SIZE(f->rss - c->used_memory));
    if (c->lazyfree_pending > 0)
        text_printf(t, "%llu items of flushed databases are being freed.\n",
                    number(c->lazyfree_pending));
    if (c->damaged > 0)
        text_printf(t,
                    "%llu values did not decode and were dropped: check the memory of the "
                    "machine.\n",
                    number(c->damaged));
}

void doctor_write(const struct doctor_facts *f, struct text *t)
{
    static void (*const all[])(const struct doctor_facts *f, struct text *t) = {
        about_cap,         about_pressure, about_policy,      about_eviction, about_fragmentation,
        about_compression, about_keys,     about_connections, about_process};
    write_state(f, t);
    size_t before = t->len;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        all[i](f, t);
    if (t->len == before)
        text_printf(t, "Nothing to improve.\n");
}

void doctor_facts_of(struct server *s, int64_t now_ms, struct doctor_facts *out)
{
    const struct settings *set = &s->settings;
    *out = (struct doctor_facts){
        .rss = info_resident_bytes(),
        .machine = (uint64_t)memory_of_machine(),
        .maxmemory = (uint64_t)setting_get(&set->maxmemory),
        .policy = (enum cache_policy)setting_get(&set->policy),
        .compression = (enum cache_compression)setting_get(&set->compression),
        .cpu_percent = (unsigned)setting_get(&set->compression_cpu),
    };
    cache_stats(s->cache, &out->cache);
    zs_pool_stats(cache_pool(s->cache), &out->pool);
    for (unsigned db = 0; db < (unsigned)setting_get(&set->databases); db++) {
        int64_t ttl;
        if (cache_count(s->cache, db) > 0)
            out->expiring += cache_count_expiring(s->cache, db, now_ms, &ttl);
    }
}
