zsc_fuzz(codec_decode SOURCES codec_decode.c LIBS zsc_codec RUNS 200000 MAX_LEN 8192)
