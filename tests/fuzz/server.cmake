zsc_fuzz(acl_rules SOURCES acl_rules.c LIBS zsc_server zsc_commands zsc_server RUNS 100000 MAX_LEN 512)
target_include_directories(acl_rules PRIVATE ${PROJECT_SOURCE_DIR}/server)
