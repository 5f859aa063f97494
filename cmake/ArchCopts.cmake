# The only place that names instruction-set flags. One row per arch: name, then flags.
# A kernel source for an arch is built with these flags and -O3 in every build type: with -O2, g++ 12 keeps small arrays
# of sums in memory instead of registers.
set(MAOOCR_ARCHS avx2 avx512 amx)
set(MAOOCR_COPTS_avx2 -mavx2 -mfma -mf16c)
# g++ 12 warns of uninitialised values inside its own avx512fintrin.h.
set(MAOOCR_COPTS_avx512 ${MAOOCR_COPTS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
                        -Wno-maybe-uninitialized -Wno-uninitialized)
set(MAOOCR_COPTS_amx ${MAOOCR_COPTS_avx512} -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8)

# mao_arch_sources(<arch> <source>...): sets the flags of kernel sources of this arch, and hands them
# to tests/lint/weak_symbol_test.cc.
function(mao_arch_sources arch)
  if(NOT DEFINED MAOOCR_COPTS_${arch})
    message(FATAL_ERROR "unknown arch '${arch}'; known: ${MAOOCR_ARCHS}")
  endif()
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${MAOOCR_COPTS_${arch}};-O3")
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" OUTPUT_VARIABLE paths)
  set_property(GLOBAL APPEND PROPERTY MAOOCR_ARCH_SOURCES ${paths})
endfunction()
