/* Stores a thousand lines, deletes most of them, lets the pool close up, and reads what is left. */
#include <stdio.h>

#include "zspool/zspool.h"

int main(void)
{
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){.max_pages = 256});
    zs_handle line[1000];
    char text[64] = "";
    if (pool == NULL)
        return 1;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "this is line number %d", i);
        if (zs_malloc(pool, sizeof text, &line[i]) != ZS_OK)
            return 1; /* ZS_ELIMIT: 256 pages are not enough */
        zs_obj_write(pool, line[i], 0, text, sizeof text);
    }
    for (int i = 0; i < 1000; i++)
        if (i % 100 != 0)
            zs_free(pool, line[i]);
    zs_compact(pool, (struct zs_budget){0}); /* handles stay, objects move */
    for (int i = 0; i < 1000; i += 100) {
        struct zs_map map; /* `text` is used when the object lies in pages that are not adjacent */
        puts(zs_map_object(pool, line[i], ZS_MM_RO, sizeof text, text, &map));
        zs_unmap_object(pool, &map);
        zs_free(pool, line[i]);
    }
    return zs_destroy_pool(pool, stderr) == 0 ? 0 : 1; /* tells what was not freed */
}
