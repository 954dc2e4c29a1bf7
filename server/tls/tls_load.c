/* Finding and loading the module: beside the executable, or where it is installed. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

#define MODULE    "zscache-tls.so"
#define INSTALLED "../lib/zscache/" MODULE

/* The folder of the executable, with the last slash. */
static bool find_folder(char folder[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len <= 0) {
        perror("zscache-server: TLS: /proc/self/exe");
        return false;
    }
    folder[len] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
    return slash != NULL;
}

static bool load(struct tls *tls, const char *path)
{
    tls->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct tls_module *m =
        tls->library != NULL ? dlsym(tls->library, TLS_MODULE_SYMBOL) : NULL;
    if (m == NULL) {
        fprintf(stderr, "zscache-server: TLS: %s\n", dlerror());
        return false;
    }
    if (m->version != TLS_MODULE_VERSION) {
        fprintf(stderr, "zscache-server: TLS: %s has version %u, not %u: it is another server's\n",
                path, m->version, TLS_MODULE_VERSION);
        return false;
    }
    tls->module = m;
    return true;
}

bool tls_load(struct tls *tls)
{
    char folder[PATH_MAX], beside[PATH_MAX + sizeof MODULE], installed[PATH_MAX + sizeof INSTALLED];
    if (!find_folder(folder))
        return false;
    snprintf(beside, sizeof beside, "%s" MODULE, folder);
    snprintf(installed, sizeof installed, "%s" INSTALLED, folder);
    if (access(beside, F_OK) == 0)
        return load(tls, beside);
    if (access(installed, F_OK) == 0)
        return load(tls, installed);
    fprintf(stderr, "zscache-server: TLS: tls-port needs a module, which is neither %s nor %s\n",
            beside, installed);
    return false;
}
