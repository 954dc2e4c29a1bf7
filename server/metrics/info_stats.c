/* Sections of INFO that count, and setting the counts to zero. */
#include <string.h>

#include "clients/client_list.h"
#include "info.h"

#define SUM(field) (unsigned long long)server_sum(s, offsetof(struct worker_stats, field))

static uint64_t error_replies(const struct server *s)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < s->worker_count; n++)
        sum += counter_get(&s->workers[n]->commands.error_replies);
    return sum;
}

void info_stats(struct info *i)
{
    struct server *s = i->server;
    const struct cache_stats *c = &i->cache;
    const struct rates *r = &s->keeper.rates;
    uint64_t rejected = counter_get(&s->listener.rejected);
    text_printf(&i->text,
                "total_connections_received:%llu\r\ntotal_commands_processed:%llu\r\n"
                "instantaneous_ops_per_sec:%llu\r\ntotal_net_input_bytes:%llu\r\n"
                "total_net_output_bytes:%llu\r\ntotal_net_repl_input_bytes:0\r\n"
                "total_net_repl_output_bytes:0\r\ninstantaneous_input_kbps:%.2f\r\n"
                "instantaneous_output_kbps:%.2f\r\nrejected_connections:%llu\r\n",
                SUM(connections) + (unsigned long long)rejected, SUM(commands),
                (unsigned long long)counter_get(&r->ops_per_s), SUM(in_bytes), SUM(out_bytes),
                (double)counter_get(&r->in_per_s) / 1024, (double)counter_get(&r->out_per_s) / 1024,
                (unsigned long long)rejected);
    text_printf(&i->text,
                "sync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\nexpired_keys:%llu\r\n"
                "expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\n"
                "expire_cycle_cpu_milliseconds:%llu\r\nevicted_keys:%llu\r\n"
                "evicted_clients:%llu\r\ntotal_eviction_exceeded_time:0\r\n"
                "current_eviction_exceeded_time:0\r\nkeyspace_hits:%llu\r\n"
                "keyspace_misses:%llu\r\nrefused_writes:%llu\r\npubsub_channels:%zu\r\n"
                "pubsub_patterns:%zu\r\npubsubshard_channels:%zu\r\nlatest_fork_usec:0\r\n"
                "total_forks:0\r\nmigrate_cached_sockets:0\r\n",
                (unsigned long long)c->expired,
                (unsigned long long)c->rung[CACHE_RUNG_EXPIRE].cpu_us / 1000,
                (unsigned long long)c->evicted, SUM(evicted_clients), (unsigned long long)c->hits,
                (unsigned long long)c->misses, (unsigned long long)c->refused,
                fanout_topics(&s->fanout, TOPIC_CHANNEL), fanout_topics(&s->fanout, TOPIC_PATTERN),
                fanout_topics(&s->fanout, TOPIC_SHARD));
    text_printf(&i->text,
                "tracking_total_keys:%zu\r\ntracking_total_items:%zu\r\n"
                "tracking_total_prefixes:%zu\r\n"
                "unexpected_error_replies:0\r\ntotal_error_replies:%llu\r\n"
                "dump_payload_sanitizations:0\r\ntotal_reads_processed:%llu\r\n"
                "total_writes_processed:%llu\r\nio_threaded_reads_processed:%llu\r\n"
                "io_threaded_writes_processed:%llu\r\n"
                "client_query_buffer_limit_disconnections:%llu\r\n"
                "client_output_buffer_limit_disconnections:%llu\r\n"
                "client_timeout_disconnections:%llu\r\nacl_access_denied_auth:%llu\r\n"
                "acl_access_denied_cmd:%llu\r\nacl_access_denied_key:%llu\r\n"
                "acl_access_denied_channel:%llu\r\ntls_handshakes_failed:%llu\r\n",
                track_table_keys(&s->tracked), track_table_readers(&s->tracked),
                fanout_topics(&s->fanout, TOPIC_PREFIX), (unsigned long long)error_replies(s),
                SUM(reads), SUM(writes), SUM(reads), SUM(writes), SUM(query_limit_closed),
                SUM(output_limit_closed), SUM(idle_closed), SUM(auth_failures),
                SUM(denied_commands), SUM(denied_keys), SUM(denied_channels),
                (unsigned long long)atomic_load_explicit(&s->tls.failed, memory_order_relaxed));
}

void info_commands(struct info *i)
{
    const struct server *s = i->server;
    for (size_t n = 0; n < command_row_count(s->commands); n++) {
        struct command_sum sum = {0};
        char name[COMMAND_NAME_MAX];
        for (unsigned w = 0; w < s->worker_count; w++)
            command_stats_add(&s->workers[w]->commands, n, &sum);
        if (sum.calls + sum.rejected == 0)
            continue;
        command_full_name(command_at(s->commands, n), name, sizeof name);
        text_printf(&i->text,
                    "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,"
                    "failed_calls=%llu\r\n",
                    name, (unsigned long long)sum.calls, (unsigned long long)sum.us,
                    sum.calls == 0 ? 0 : sum.us / (double)sum.calls,
                    (unsigned long long)sum.rejected, (unsigned long long)sum.failed);
    }
}

void server_command_times(const struct server *s, size_t row, struct histogram_sum *sum)
{
    *sum = (struct histogram_sum){0};
    for (unsigned w = 0; w < s->worker_count; w++)
        command_stats_add_times(&s->workers[w]->commands, row, sum);
}

void info_latencies(struct info *i)
{
    const struct server *s = i->server;
    for (size_t n = 0; n < command_row_count(s->commands); n++) {
        struct histogram_sum sum;
        char name[COMMAND_NAME_MAX];
        server_command_times(s, n, &sum);
        if (sum.total == 0)
            continue;
        command_full_name(command_at(s->commands, n), name, sizeof name);
        text_printf(&i->text, "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f\r\n", name,
                    histogram_percentile(&sum, 50), histogram_percentile(&sum, 99),
                    histogram_percentile(&sum, 99.9));
    }
}

static uint64_t count_of(const struct server *s, const char *code, unsigned *first_worker)
{
    uint64_t sum = 0;
    *first_worker = s->worker_count;
    for (unsigned w = s->worker_count; w-- > 0;) {
        const struct command_stats *c = &s->workers[w]->commands;
        unsigned codes = atomic_load_explicit(&c->error_codes, memory_order_acquire);
        for (unsigned n = 0; n < codes; n++) {
            if (strcmp(c->errors[n].code, code) != 0)
                continue;
            sum += counter_get(&c->errors[n].count);
            *first_worker = w;
        }
    }
    return sum;
}

void info_errors(struct info *i)
{
    const struct server *s = i->server;
    for (unsigned w = 0; w < s->worker_count; w++) {
        const struct command_stats *c = &s->workers[w]->commands;
        unsigned codes = atomic_load_explicit(&c->error_codes, memory_order_acquire);
        for (unsigned n = 0; n < codes; n++) {
            unsigned first;
            uint64_t count = count_of(s, c->errors[n].code, &first);
            if (first == w && count > 0)
                text_printf(&i->text, "errorstat_%s:count=%llu\r\n", c->errors[n].code,
                            (unsigned long long)count);
        }
    }
}

void server_reset_stats(struct server *s)
{
    for (unsigned w = 0; w < s->worker_count; w++) {
        struct worker_stats *t = &s->workers[w]->stats;
        counter *const all[] = {&t->connections,
                                &t->commands,
                                &t->reads,
                                &t->writes,
                                &t->in_bytes,
                                &t->out_bytes,
                                &t->query_limit_closed,
                                &t->auth_failures,
                                &t->denied_commands,
                                &t->denied_keys,
                                &t->denied_channels,
                                &t->idle_closed,
                                &t->evicted_clients,
                                &t->largest_in,
                                &t->largest_out,
                                &t->output_limit_closed};
        for (size_t n = 0; n < sizeof all / sizeof all[0]; n++)
            counter_set(all[n], 0);
        command_stats_reset(&s->workers[w]->commands);
    }
    counter_set(&s->listener.rejected, 0);
    atomic_store_explicit(&s->tls.failed, 0, memory_order_relaxed);
}
