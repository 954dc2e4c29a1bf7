# Options, warnings and the helpers every folder uses: zsc_library(), zsc_program(), zsc_test() and zsc_fuzz().

option(ZSC_TESTS "Build the tests (needs Check and hiredis)" ON)
option(ZSC_BENCH "Build the measuring tools" ON)
option(ZSC_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(ZSC_SANITIZE "" CACHE STRING "Sanitizers: address, thread or empty")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -DNDEBUG")

add_library(zsc_flags INTERFACE)
target_compile_definitions(zsc_flags INTERFACE _GNU_SOURCE)
target_compile_options(zsc_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror
                       -fno-strict-aliasing -fstack-protector-strong)
if(ZSC_SANITIZE STREQUAL "address")
  set(zsc_san -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(ZSC_SANITIZE STREQUAL "thread")
  set(zsc_san -fsanitize=thread -fno-omit-frame-pointer)
endif()
if(zsc_san)
  target_compile_options(zsc_flags INTERFACE ${zsc_san})
  target_link_options(zsc_flags INTERFACE ${zsc_san})
else()
  target_compile_definitions(zsc_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
if(ZSC_FUZZ)
  target_compile_options(zsc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_options(zsc_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)

# Hardening that depends on the compiler and the processor.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
include(CheckCCompilerFlag)
foreach(flag -fstack-clash-protection -fcf-protection=full)
  string(MAKE_C_IDENTIFIER "ZSC_HAS${flag}" var)
  check_c_compiler_flag(${flag} ${var})
  if(${var} AND NOT zsc_san)
    target_compile_options(zsc_flags INTERFACE ${flag})
  endif()
endforeach()

find_package(Threads REQUIRED)

# zsc_library(name SOURCES a.c b.c [DEPS layer...] [PRIVATE_LIBS lib...])
# Public headers: <folder>/include. Private headers stay in the folder.
function(zsc_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;PRIVATE_LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${A_DEPS} Threads::Threads PRIVATE $<BUILD_INTERFACE:zsc_flags> ${A_PRIVATE_LIBS})
endfunction()

# zsc_test(name SOURCES x.c [LIBS lib...] [LABELS label...] [TIMEOUT s]): a Check program under ctest.
function(zsc_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 600) # for what hangs: a busy machine may take ten times as long as an idle one
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE zsc_flags ${A_LIBS} PkgConfig::CHECK)
  add_test(NAME ${name} COMMAND ${name})
  # Check gives a test 4 seconds unless it says otherwise: too few on a busy machine under a sanitizer.
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${A_LABELS}"
                                          ENVIRONMENT "CK_DEFAULT_TIMEOUT=${A_TIMEOUT}")
endfunction()

# zsc_program(name SOURCES main.c [LIBS lib...] [NO_INSTALL]): an executable in bin/ of the build tree.
function(zsc_program name)
  cmake_parse_arguments(A "NO_INSTALL" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE zsc_flags ${A_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(NOT A_NO_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# zsc_fuzz(name SOURCES x.c [LIBS lib...] [RUNS n] [MAX_LEN bytes]): a libFuzzer target whose corpus is
# tests/fuzz/corpus/<name>/. With ZSC_FUZZ it is fuzzed for a fixed number of runs (label "fuzz"); in every other
# build the corpus is replayed (label "replay"). The committed corpus is only read.
function(zsc_fuzz name)
  cmake_parse_arguments(A "" "RUNS;MAX_LEN" "SOURCES;LIBS" ${ARGN})
  if(NOT A_RUNS)
    set(A_RUNS 100000)
  endif()
  if(NOT A_MAX_LEN)
    set(A_MAX_LEN 4096)
  endif()
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE zsc_flags ${A_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  if(ZSC_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(found ${PROJECT_BINARY_DIR}/fuzz-found/${name})
    file(MAKE_DIRECTORY ${found}/corpus)
    add_test(NAME ${name}
             COMMAND ${name} -runs=${A_RUNS} -seed=1 -max_len=${A_MAX_LEN} -timeout=20 -rss_limit_mb=3000
                     -print_final_stats=1 -artifact_prefix=${found}/ ${found}/corpus ${corpus})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS fuzz)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME ${name}_replay COMMAND ${name} ${corpus})
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 300 LABELS replay)
  endif()
endfunction()
