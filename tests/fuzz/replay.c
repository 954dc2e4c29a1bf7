/* Gives every file of the folders named on the command line to a fuzz target once: how its corpus
 * runs as an ordinary test where libFuzzer is not linked. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    struct stat st;
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
        fclose(file);
        return true; /* not ours: ".", "..", a folder */
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    bool ok = data && fread(data, 1, size, file) == size;
    if (ok)
        (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(file);
    return ok;
}

static bool replay_folder(const char *folder, unsigned *files)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ok = len > 0 && (size_t)len < sizeof path && replay_file(path);
        *files += entry->d_name[0] != '.';
    }
    closedir(dir);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++) {
        if (!replay_folder(argv[i], &files)) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    printf("%u files replayed\n", files);
    return files ? EXIT_SUCCESS : EXIT_FAILURE;
}
