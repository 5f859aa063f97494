# Helpers: one leaf folder = one library with its tests, benches and fuzzers beside the code.

# mao_library(<name> SRCS <source>... [DEPS <target>...] [PRIVATE_DEPS <target>...])
function(mao_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# mao_test(<name> SRCS <source>... [DEPS <target>...] [TIMEOUT <seconds>] [LABELS <label>...])
# Tests find the repository through the compile definition MAOOCR_SOURCE_DIR.
function(mao_test name)
  if(NOT MAOOCR_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  target_compile_definitions(${name} PRIVATE MAOOCR_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             MAOOCR_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(MAOOCR_SANITIZE OR MAOOCR_COVERAGE)
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")  # on a busy machine; on a free one 300 s suffice
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# mao_bench(<name> SRCS <source>... [DEPS <target>...]): a Google Benchmark executable.
function(mao_bench name)
  if(NOT MAOOCR_BUILD_BENCHES)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_compile_definitions(${name} PRIVATE MAOOCR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} benchmark::benchmark benchmark::benchmark_main)
endfunction()

# mao_fuzzer(<name> SRCS <source>... [DEPS <target>...]): a libFuzzer executable. Its seeds live in
# tests/fuzz/seeds/<name>/; tools/run_fuzzers.sh runs each for a bounded time.
function(mao_fuzzer name)
  if(NOT MAOOCR_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_property(GLOBAL APPEND PROPERTY MAOOCR_FUZZERS ${name})
endfunction()
