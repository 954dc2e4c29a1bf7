/* Sections of INFO about the process and its peers. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/version.h"
#include "info.h"

void info_server(struct info *i)
{
    const struct server *s = i->server;
    struct utsname os = {0};
    char exe[4096] = "";
    int64_t up = (i->now_ms - s->start_ms) / 1000;
    (void)uname(&os);
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        exe[0] = '\0';
    text_printf(&i->text,
                "redis_version:%s\r\nserver_name:zscache\r\nzscache_version:%s\r\n"
                "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_mode:standalone\r\n"
                "os:%s %s %s\r\narch_bits:%zu\r\nmultiplexing_api:epoll\r\nprocess_id:%ld\r\n",
                REDIS_VERSION, ZSC_VERSION, os.sysname, os.release, os.machine, 8 * sizeof(void *),
                (long)getpid());
    text_printf(&i->text,
                "process_supervised:no\r\nrun_id:%s\r\ntcp_port:%d\r\n"
                "server_time_usec:%lld\r\nuptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\n"
                "hz:10\r\nconfigured_hz:10\r\nlru_clock:%lld\r\nexecutable:%s\r\n"
                "config_file:%s\r\nio_threads_active:%d\r\nworker_threads:%u\r\n",
                s->run_id, listener_port(&s->listener), (long long)i->now_ms * 1000, (long long)up,
                (long long)up / 86400, (long long)(i->now_ms / 1000) & 0xffffff, exe,
                s->config_file == NULL ? "" : s->config_file, s->worker_count > 1, s->worker_count);
}

static uint64_t largest(const struct server *s, size_t at)
{
    uint64_t most = 0;
    for (unsigned n = 0; n < s->worker_count; n++) {
        const counter *c =
            (const counter *)(const void *)((const char *)&s->workers[n]->stats + at);
        most = counter_get(c) > most ? counter_get(c) : most;
    }
    return most;
}

void info_clients(struct info *i)
{
    const struct server *s = i->server;
    text_printf(&i->text,
                "connected_clients:%zu\r\ncluster_connections:0\r\nmaxclients:%lld\r\n"
                "client_recent_max_input_buffer:%llu\r\n"
                "client_recent_max_output_buffer:%llu\r\nblocked_clients:%llu\r\n"
                "tracking_clients:%llu\r\npubsub_clients:%llu\r\nwatching_clients:%u\r\n"
                "clients_in_timeout_table:0\r\ntotal_watched_keys:%u\r\n"
                "total_blocking_keys:0\r\n",
                registry_count(&s->registry), (long long)setting_get(&s->settings.maxclients),
                (unsigned long long)largest(s, offsetof(struct worker_stats, largest_in)),
                (unsigned long long)largest(s, offsetof(struct worker_stats, largest_out)),
                (unsigned long long)server_sum(s, offsetof(struct worker_stats, paused)),
                (unsigned long long)server_sum(s, offsetof(struct worker_stats, trackers)),
                (unsigned long long)server_sum(s, offsetof(struct worker_stats, subscribers)),
                atomic_load_explicit(&s->watch.clients, memory_order_relaxed),
                atomic_load_explicit(&s->watch.count, memory_order_relaxed));
}

void info_persistence(struct info *i)
{
    uint64_t changes = server_sum(i->server, offsetof(struct worker_stats, changes));
    text_printf(&i->text,
                "loading:0\r\nasync_loading:0\r\nrdb_changes_since_last_save:%llu\r\n"
                "rdb_bgsave_in_progress:0\r\nrdb_last_save_time:%lld\r\n"
                "rdb_last_bgsave_status:ok\r\nrdb_last_bgsave_time_sec:-1\r\n"
                "rdb_current_bgsave_time_sec:-1\r\nrdb_saves:0\r\naof_enabled:0\r\n"
                "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"
                "aof_last_rewrite_time_sec:-1\r\naof_current_rewrite_time_sec:-1\r\n"
                "aof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n",
                (unsigned long long)changes, (long long)i->server->start_ms / 1000);
}

void info_replication(struct info *i)
{
    text_printf(&i->text,
                "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
                "master_replid:%s\r\nmaster_replid2:0000000000000000000000000000000000000000\r\n"
                "master_repl_offset:0\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:0\r\n"
                "repl_backlog_size:0\r\nrepl_backlog_first_byte_offset:0\r\n"
                "repl_backlog_histlen:0\r\n",
                i->server->run_id);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void info_cpu(struct info *i)
{
    struct rusage self = {0}, thread = {0};
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_THREAD, &thread);
    text_printf(&i->text,
                "used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\nused_cpu_sys_children:0.000000\r\n"
                "used_cpu_user_children:0.000000\r\nused_cpu_sys_main_thread:%.6f\r\n"
                "used_cpu_user_main_thread:%.6f\r\n",
                seconds(self.ru_stime), seconds(self.ru_utime), seconds(thread.ru_stime),
                seconds(thread.ru_utime));
}

void info_cluster(struct info *i)
{
    text_printf(&i->text, "cluster_enabled:0\r\n");
}
