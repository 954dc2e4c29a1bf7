set(transcript ${PROJECT_SOURCE_DIR}/tests/unit/protocol)
zsc_fuzz(fuzz_resp SOURCES fuzz_resp.c ${transcript}/transcript.c LIBS zsc_protocol RUNS 300000 MAX_LEN 2048)
target_include_directories(fuzz_resp PRIVATE ${transcript})
