/* From the command line to a running server, and from a signal to its end. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/version.h"
#include "options/option.h"
#include "rank.h"
#include "server.h"

/* After a signal the process ends, though a worker should be stuck: a little later than workers
 * stop to wait for peers that do not read. */
#define STOP_TRIES 450 /* of poll_interval */

/* A cap that leaves less than this is a mistake. */
#define ROOM_AT_LEAST ((uint64_t)1 << 20)

/* Allocations from here on go back to the system when they are freed. */
#define MAP_FROM (128 << 10)

static const struct timespec poll_interval = {.tv_nsec = 10000000};

static int print_commands(void)
{
    struct command_table *t = command_table_create();
    bool ok = t != NULL && command_manual_print(t, stdout);
    command_table_destroy(t);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Options that print something and start nothing; they come last. -1 = another one. */
static int print_only(const char *option)
{
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
        options_print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(option, "--version") == 0 || strcmp(option, "-v") == 0) {
        printf("zscache-server %s\n", ZSC_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(option, "--print-commands-manual") == 0)
        return print_commands();
    if (strcmp(option, "--print-options-manual") == 0)
        return options_print_manual(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
    return -1;
}

/* Signals are taken by sigtimedwait() of this thread alone, so all threads block them. */
static sigset_t block_signals(void)
{
    sigset_t stop;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL);
    return stop;
}

/* A process may be started without them; then what is printed would go to a client, whose socket
 * has the number. */
static bool open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool open_log(const char *path)
{
    if (path[0] == '\0')
        return true;
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0640);
    bool ok = fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
    if (!ok)
        fprintf(stderr, "zscache-server: cannot write to %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static void print_banner(const struct server *s)
{
    const struct settings *set = &s->settings;
    printf("zscache %s, process %ld\n", ZSC_VERSION, (long)getpid());
    if (s->listener.port != 0)
        printf("  listening on %s port %d\n", set->bind, s->listener.port);
    if (s->listener.tls_port != 0)
        printf("  listening on %s port %d, TLS\n", set->bind, s->listener.tls_port);
    if (set->unixsocket[0] != '\0')
        printf("  listening on %s\n", set->unixsocket);
    uint64_t cap = (uint64_t)setting_get(&set->maxmemory);
    printf("  threads %u, memory cap %s, policy %s\n", s->worker_count,
           cap > 0 ? memory_text(cap).text : "none",
           cache_policy_name((enum cache_policy)setting_get(&set->policy)));
    if (cap > 0 && cap < cache_used_memory(s->cache) + ROOM_AT_LEAST)
        printf("  maxmemory leaves no room for data: the process alone takes %s\n",
               memory_text(cache_used_memory(s->cache)).text);
    /* Programs that start a server for their tests wait for Redis's words. */
    printf("  stop it with Ctrl-C or SIGTERM\n  * Ready to accept connections\n");
    (void)fflush(stdout);
}

/* Waits for the first signal, then for the end. A second signal ends at once. */
static void wait_for_end(struct server *s, const sigset_t *stop)
{
    int which;
    while (sigwait(stop, &which) != 0)
        ;
    printf("stopping\n");
    (void)fflush(stdout);
    server_stop(s);
    for (int tries = 0; !server_has_stopped(s); tries++) {
        if (sigtimedwait(stop, NULL, &poll_interval) > 0)
            _exit(EXIT_FAILURE);
        if (tries > STOP_TRIES)
            _exit(EXIT_SUCCESS);
    }
}

int main(int argc, char **argv)
{
    /* Fixed, or the allocator would raise it and keep large blocks that are freed. */
    (void)mallopt(M_MMAP_THRESHOLD, MAP_FROM);
    int printed = argc > 1 ? print_only(argv[argc - 1]) : -1;
    if (printed >= 0)
        return printed;
    if (!open_standard_streams())
        return EXIT_FAILURE;
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL || !options_preset(&s->settings)) {
        fprintf(stderr, "zscache-server: not enough memory to start\n");
        return EXIT_FAILURE;
    }
    lock_init(&s->settings.lock, RANK_SETTINGS);
    if (argc > 1 && argv[1][0] != '-')
        s->config_file = realpath(argv[1], NULL);
    sigset_t stop = block_signals();
    bool ok =
        options_read(&s->settings, argc, argv) && open_log(s->settings.logfile) && server_start(s);
    if (ok) {
        print_banner(s);
        wait_for_end(s, &stop);
    } else {
        server_stop(s);
    }
    server_destroy(s);
    free(s);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
