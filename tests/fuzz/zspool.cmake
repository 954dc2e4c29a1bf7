zsc_fuzz(zspool_ops SOURCES zspool_ops.c LIBS zsc_zspool RUNS 4000 MAX_LEN 1024)
