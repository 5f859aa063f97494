# Language level, warnings, sanitizers: everything that holds for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror=return-type
                    -Werror=unused-result -fno-math-errno -ffp-contract=off)
# -ffp-contract=off: a fused multiply-add is written where it is meant, so that every compiler and
# instruction set computes the same bits.

find_program(MAOOCR_CCACHE ccache)
if(MAOOCR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${MAOOCR_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MAOOCR_CCACHE}")
endif()
find_program(MAOOCR_MOLD mold)
if(MAOOCR_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT MAOOCR_SANITIZE)
  add_link_options(-fuse-ld=mold)
endif()

if(MAOOCR_SANITIZE)
  add_compile_options(-fsanitize=${MAOOCR_SANITIZE} -fno-omit-frame-pointer -g1)
  if(MAOOCR_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${MAOOCR_SANITIZE})
endif()
if(MAOOCR_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(MAOOCR_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
