/* Sections of INFO about what the memory holds. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "info.h"
#include "options/option.h"
#include "zspool/zspool.h"

static void put(struct info *i, const char *name, uint64_t value)
{
    text_printf(&i->text, "%s:%llu\r\n", name, (unsigned long long)value);
}

static double ratio(uint64_t a, uint64_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

uint64_t info_resident_bytes(void)
{
    char text[128] = "", *second;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    bool ok = fgets(text, sizeof text, file) != NULL;
    (void)fclose(file);
    (void)strtoull(text, &second, 10);
    uint64_t resident = ok ? strtoull(second, NULL, 10) : 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "12.50M" */
static void put_human(struct info *i, const char *name, uint64_t bytes)
{
    static const char units[] = "BKMGT";
    double n = (double)bytes;
    unsigned unit = 0;
    for (; n >= 1024 && unit < 4; unit++)
        n /= 1024;
    text_printf(&i->text, "%s:%.*f%c\r\n", name, unit == 0 ? 0 : 2, n, units[unit]);
}

static void put_both(struct info *i, const char *name, const char *human, uint64_t bytes)
{
    put(i, name, bytes);
    put_human(i, human, bytes);
}

uint64_t info_client_bytes(struct server *s)
{
    uint64_t sum = 0;
    lock_acquire(&s->registry.lock);
    for (const struct client *c = s->registry.first; c != NULL; c = c->next)
        sum +=
            sizeof(struct connection) + atomic_load_explicit(&c->held_bytes, memory_order_relaxed);
    lock_release(&s->registry.lock);
    return sum;
}

static uint64_t lua_bytes(const struct server *s)
{
    uint64_t lua = 0;
    for (unsigned n = 0; n < s->worker_count; n++)
        lua += atomic_load_explicit(&s->workers[n]->script.bytes, memory_order_relaxed);
    return lua;
}

uint64_t info_script_bytes(struct server *s)
{
    lock_acquire(&s->scripts.lock);
    uint64_t texts = s->scripts.bytes;
    lock_release(&s->scripts.lock);
    return texts + lua_bytes(s);
}

static void put_scripts(struct info *i)
{
    struct server *s = i->server;
    uint64_t lua = lua_bytes(s);
    lock_acquire(&s->scripts.lock);
    uint64_t texts = s->scripts.bytes, count = s->scripts.count;
    lock_release(&s->scripts.lock);
    put(i, "used_memory_lua", lua);
    put(i, "used_memory_vm_eval", lua);
    put_human(i, "used_memory_lua_human", lua);
    put(i, "used_memory_scripts_eval", texts);
    put(i, "number_of_cached_scripts", count);
    put(i, "number_of_functions", 0);
    put(i, "number_of_libraries", 0);
    put(i, "used_memory_vm_functions", 0);
    put_both(i, "used_memory_vm_total", "used_memory_vm_total_human", lua);
    put(i, "used_memory_functions", 0);
    put_both(i, "used_memory_scripts", "used_memory_scripts_human", texts);
}

void info_memory(struct info *i)
{
    const struct cache_stats *c = &i->cache;
    uint64_t rss = info_resident_bytes(), clients = info_client_bytes(i->server);
    uint64_t data = c->stored_bytes + c->key_bytes;
    uint64_t overhead = c->used_memory > data ? c->used_memory - data : 0;
    uint64_t cap = (uint64_t)setting_get(&i->server->settings.maxmemory);
    put_both(i, "used_memory", "used_memory_human", c->used_memory);
    put_both(i, "used_memory_rss", "used_memory_rss_human", rss);
    put_both(i, "used_memory_peak", "used_memory_peak_human", c->peak_memory);
    text_printf(&i->text, "used_memory_peak_perc:%.2f%%\r\n",
                100 * ratio(c->used_memory, c->peak_memory));
    put(i, "used_memory_overhead", overhead);
    put(i, "used_memory_startup", c->other_bytes);
    put(i, "used_memory_dataset", data);
    text_printf(&i->text, "used_memory_dataset_perc:%.2f%%\r\n", 100 * ratio(data, c->used_memory));
    put_scripts(i);
    put_both(i, "total_system_memory", "total_system_memory_human", (uint64_t)memory_of_machine());
    put_both(i, "maxmemory", "maxmemory_human", cap);
    text_printf(&i->text, "maxmemory_policy:%s\r\n",
                cache_policy_name((enum cache_policy)setting_get(&i->server->settings.policy)));
    struct mallinfo2 heap = mallinfo2();
    uint64_t active = heap.arena + heap.hblkhd;
    put(i, "allocator_allocated", heap.uordblks + heap.hblkhd);
    put(i, "allocator_active", active);
    put(i, "allocator_resident", active);
    text_printf(&i->text, "allocator_frag_ratio:%.2f\r\nallocator_rss_ratio:1.00\r\n",
                ratio(active, heap.uordblks + heap.hblkhd));
    put(i, "allocator_frag_bytes", active - heap.uordblks - heap.hblkhd);
    put(i, "allocator_rss_bytes", 0);
    text_printf(&i->text, "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%lld\r\n",
                ratio(rss, c->used_memory), (long long)rss - (long long)c->used_memory);
    put(i, "mem_not_counted_for_evict", 0);
    put(i, "mem_clients_slaves", 0);
    put(i, "mem_clients_normal", clients);
    text_printf(&i->text, "mem_allocator:zspool\r\nactive_defrag_running:0\r\n");
    put(i, "lazyfree_pending_objects", c->lazyfree_pending);
}

void info_compression(struct info *i)
{
    const struct cache_stats *c = &i->cache;
    text_printf(&i->text, "compression:%s\r\n",
                cache_compression_name(
                    (enum cache_compression)setting_get(&i->server->settings.compression)));
    put(i, "items", c->items);
    put(i, "raw_bytes", c->raw_bytes);
    put(i, "stored_bytes", c->stored_bytes);
    put(i, "key_bytes", c->key_bytes);
    text_printf(&i->text, "compression_ratio:%.3f\r\n", ratio(c->raw_bytes, c->stored_bytes));
    put(i, "items_raw", c->items_by_codec[0]);
    put(i, "items_lz4", c->items_by_codec[1]);
    put(i, "items_dense", c->items_by_codec[2]);
    put(i, "items_segmented", c->items_by_codec[3]);
    put(i, "items_incompressible", c->incompressible);
    put(i, "compress_attempts", c->compress_attempts);
    put(i, "compress_rejected", c->compress_rejected);
    put(i, "compress_miscoded", c->compress_miscoded);
    put(i, "recoded_items", c->recoded);
    put(i, "warmed_items", c->warmed);
    put(i, "segments_read", c->segments_read);
    put(i, "segments_written", c->segments_written);
    put(i, "compress_cpu_microseconds", c->compress_cpu_us);
    put(i, "damaged_items", c->damaged);
    put(i, "dictionaries", c->dicts);
    put(i, "dictionary_bytes", c->dict_bytes);
    put(i, "trainings", c->trainings);
    put(i, "nursery_items", c->nursery_items);
    put(i, "nursery_bytes", c->nursery_bytes);
}

/* The nine fields of zram's mm_stat first, under zram's names. */
void info_zspool(struct info *i)
{
    struct zs_pool_stats p;
    const struct cache_stats *c = &i->cache;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    zs_pool_stats(cache_pool(i->server->cache), &p);
    put(i, "orig_data_size", c->raw_bytes);
    put(i, "compr_data_size", c->stored_bytes);
    put(i, "mem_used_total", p.pages_used * page);
    put(i, "mem_limit", p.pages_limit * page);
    put(i, "mem_used_max", p.pages_peak * page);
    put(i, "same_pages", 0);
    put(i, "pages_compacted", p.pages_compacted);
    put(i, "huge_pages", p.huge_objects);
    put(i, "huge_pages_since", p.huge_objects_since);
    put(i, "pages_used", p.pages_used);
    put(i, "pages_cached", p.pages_cached);
    put(i, "blocks", p.blocks);
    put(i, "table_bytes", p.table_bytes);
    put(i, "objects", p.objects);
    put(i, "objects_bytes", p.objects_bytes);
    text_printf(&i->text, "utilisation:%.4f\r\n", ratio(p.objects_bytes, p.pages_used * page));
    put(i, "objects_moved", p.objects_moved);
    put(i, "bytes_moved", p.bytes_moved);
    put(i, "pages_migrated", p.pages_migrated);
    put(i, "blocks_returned", p.blocks_returned);
    put(i, "pins_met", p.pins_met);
    put(i, "deferred_frees", p.deferred_frees);
    put(i, "index_bytes", c->index_bytes);
    put(i, "ghost_bytes", c->ghost_bytes);
    put(i, "charged_bytes", c->charged_bytes);
    put(i, "pool_bytes", c->pool_bytes);
    put(i, "other_bytes", c->other_bytes);
}

/* A line a class that is in use, with the columns of the kernel's zsmalloc/<pool>/classes. */
void info_classes(struct info *i)
{
    static const char *const groups[ZS_FULLNESS_GROUPS] = {
        "0%", "10%", "20%", "30%", "40%", "50%", "60%", "70%", "80%", "90%", "99%", "100%"};
    struct zs_pool *pool = cache_pool(i->server->cache);
    for (unsigned n = 0; n < zs_class_count(pool); n++) {
        struct zs_class_stats s;
        zs_class_stats(pool, n, &s);
        if (s.pages_used == 0)
            continue;
        text_printf(&i->text, "class_%u:size=%zu", s.index, s.size);
        for (unsigned g = 0; g < ZS_FULLNESS_GROUPS; g++)
            text_printf(&i->text, ",%s=%zu", groups[g], s.zspages[g]);
        text_printf(&i->text,
                    ",obj_allocated=%zu,obj_used=%zu,pages_used=%zu,pages_per_zspage=%u,"
                    "objs_per_zspage=%u,freeable=%zu\r\n",
                    s.obj_allocated, s.obj_used, s.pages_used, s.pages_per_zspage,
                    s.objs_per_zspage, s.freeable);
    }
}

void info_ladder(struct info *i)
{
    static const char *const names[CACHE_RUNGS] = {"expire",  "nursery", "recode",
                                                   "compact", "evict",   "refuse"};
    for (unsigned n = 0; n < CACHE_RUNGS; n++)
        text_printf(&i->text, "rung_%s:runs=%llu,bytes=%llu,cpu_usec=%llu\r\n", names[n],
                    (unsigned long long)i->cache.rung[n].runs,
                    (unsigned long long)i->cache.rung[n].bytes,
                    (unsigned long long)i->cache.rung[n].cpu_us);
    put(i, "ghost_hits", i->cache.ghost_hits);
    put(i, "memory_pressure", i->cache.pressure);
    put(i, "memory_pressure_times", i->cache.pressure_times);
    text_printf(&i->text, "memory_pressure_readable:%s\r\n",
                i->cache.pressure_readable ? "yes" : "no");
    put(i, "maxmemory_now", i->cache.cap);
}

void info_keyspace(struct info *i)
{
    const struct server *s = i->server;
    for (unsigned db = 0; db < (unsigned)setting_get(&s->settings.databases); db++) {
        size_t keys = cache_count(s->cache, db);
        if (keys == 0)
            continue;
        int64_t ttl = 0;
        size_t expires = cache_count_expiring(s->cache, db, i->now_ms, &ttl);
        text_printf(&i->text, "db%u:keys=%zu,expires=%zu,avg_ttl=%lld\r\n", db, keys, expires,
                    (long long)ttl);
    }
}
