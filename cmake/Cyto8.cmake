# SPDX-License-Identifier: Apache-2.0
# What every target shares: the interface target cyto8_options (language,
# warnings, hardening, sanitizers) and the functions that make a library, a
# message library and a test. No global flags; no option selects a feature.

include(GoogleTest)

# Options for developers. A user needs none of them.
option(CYTO8_WERROR "Treat warnings as errors (test.sh does)" OFF)
set(CYTO8_SANITIZE
    ""
    CACHE STRING "Argument of -fsanitize=, e.g. address,undefined")
option(CYTO8_COVERAGE "Count executed lines for gcov" OFF)
option(CYTO8_FUZZ "Build tests/fuzz with libFuzzer (needs clang)" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE
      RelWithDebInfo
      CACHE STRING "Build type" FORCE)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CYTO8_CCACHE ccache)
  mark_as_advanced(CYTO8_CCACHE)
  if(CYTO8_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CYTO8_CCACHE})
  endif()
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

add_library(cyto8_options INTERFACE)
target_compile_features(cyto8_options INTERFACE cxx_std_20)
target_include_directories(cyto8_options INTERFACE ${PROJECT_SOURCE_DIR})

# -Wconversion of clang brings -Wsign-conversion, which fights signed sizes.
target_compile_options(
  cyto8_options
  INTERFACE -Wall
            -Wextra
            -Wformat=2
            -Wconversion
            -Wno-sign-conversion
            -Wshadow
            -Wimplicit-fallthrough
            -Wundef
            # GCC 12 sees overlaps where std::string is put together (bug 105329).
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
            $<$<BOOL:${CYTO8_WERROR}>:-Werror>)

# The same input gives the same bytes: no fused multiply-add behind our back,
# no build folder in the binary.
target_compile_options(
  cyto8_options INTERFACE -ffp-contract=off
                          -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)

target_compile_definitions(cyto8_options INTERFACE _GLIBCXX_ASSERTIONS)

# Hardening of the program that users run.
target_compile_options(
  cyto8_options
  INTERFACE
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE
    -D_FORTIFY_SOURCE=3
    -fstack-protector-strong
    -fstack-clash-protection
    -fcf-protection=full>
    $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-ftrivial-auto-var-init=zero
    -Wtrampolines>)
target_link_options(
  cyto8_options INTERFACE
  $<$<CONFIG:Release>:LINKER:-z,relro,-z,now,-z,noexecstack>)

# GCC sees uninitialised values that are none in instrumented code.
if(CYTO8_SANITIZE)
  target_compile_options(
    cyto8_options
    INTERFACE -fsanitize=${CYTO8_SANITIZE} -fno-sanitize-recover=all
              -fno-omit-frame-pointer
              $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(cyto8_options INTERFACE -fsanitize=${CYTO8_SANITIZE})
endif()

# Every part is instrumented for libFuzzer; only a fuzz target gets its main.
if(CYTO8_FUZZ)
  target_compile_options(cyto8_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CYTO8_COVERAGE)
  target_compile_options(cyto8_options INTERFACE --coverage)
  target_link_options(cyto8_options INTERFACE --coverage)
endif()

# One target per label builds the tests that carry it; test.sh wants no more
# than those in the sanitized builds.
set(CYTO8_LABELS unit property golden fault e2e fuzz full asan tsan)
foreach(label IN LISTS CYTO8_LABELS)
  add_custom_target(tests_${label})
endforeach()
add_custom_target(fuzz_targets)

# cyto8_add_library(NAME SOURCES a.cc ... [DEPS target ...] [OPTIMIZE])
#
# The static library cyto8_NAME. DEPS are CMake targets, linked PUBLIC.
# OPTIMIZE compiles with -O3 in every build: for kernels, whose naive twins
# would otherwise take minutes in the checked builds.
function(cyto8_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIMIZE" "" "SOURCES;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cyto8_add_library(${name}): unknown argument "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_library(cyto8_${name} STATIC ${arg_SOURCES})
  target_link_libraries(cyto8_${name} PUBLIC cyto8_options ${arg_DEPS})
  if(arg_OPTIMIZE)
    target_compile_options(cyto8_${name} PRIVATE -O3)
  endif()
endfunction()

# cyto8_add_proto_library(NAME PROTOS a.proto ...)
#
# The static library cyto8_NAME of protobuf messages. A message file
# detector/import/x.proto is included as "detector/import/x.pb.h". Generated
# code is not ours, so our warnings are off in it.
function(cyto8_add_proto_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PROTOS")
  set(out ${PROJECT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  add_library(cyto8_${name} STATIC)
  foreach(proto IN LISTS arg_PROTOS)
    cmake_path(ABSOLUTE_PATH proto)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${proto})
    string(REGEX REPLACE "\\.proto$" "" stem ${relative})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR}
              --cpp_out=${out} ${proto}
      DEPENDS ${proto}
      VERBATIM)
    target_sources(cyto8_${name} PRIVATE ${out}/${stem}.pb.cc
                                         ${out}/${stem}.pb.h)
  endforeach()
  target_include_directories(cyto8_${name} SYSTEM PUBLIC ${out})
  target_compile_options(cyto8_${name} PRIVATE -w)
  target_link_libraries(cyto8_${name} PUBLIC protobuf::libprotobuf)
  target_link_libraries(cyto8_${name} PRIVATE cyto8_options)
endfunction()

# cyto8_add_test(NAME SOURCES x_test.cc [DEPS target ...] [LABELS unit ...]
#                [TIMEOUT seconds])
#
# One GoogleTest program; each of its tests is a test of ctest, run in the
# source folder. LABELS default to unit, TIMEOUT to 120. Labels: unit property
# golden fault e2e fuzz by kind; full: not in test.sh fast; asan, tsan: test.sh fast also
# runs it under AddressSanitizer, ThreadSanitizer.
function(cyto8_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;DEPS;LABELS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cyto8_add_test(${name}): unknown argument "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_compile_definitions(
    ${name} PRIVATE CYTO8_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE cyto8_options ${arg_DEPS}
                                        GTest::gtest_main)
  gtest_discover_tests(
    ${name}
    TEST_PREFIX ${name}.
    TEST_LIST ${name}_TESTS
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${arg_TIMEOUT})
  # Saves time to compile, half of it where tests are instrumented; the
  # libraries, where the time of running goes, keep their optimisation.
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${name} PRIVATE -O0)
  endif()
  foreach(label IN LISTS arg_LABELS)
    if(NOT label IN_LIST CYTO8_LABELS)
      message(FATAL_ERROR "cyto8_add_test(${name}): label ${label}: must be "
                          "one of ${CYTO8_LABELS}")
    endif()
    add_dependencies(tests_${label} ${name})
  endforeach()
  # A list of labels does not survive gtest_discover_tests, so it is set by a
  # second file, which ctest reads right after the discovered tests.
  set(labels_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(
    GENERATE
    OUTPUT ${labels_file}
    CONTENT
      "if(${name}_TESTS)\n  set_tests_properties(\${${name}_TESTS} PROPERTIES LABELS \"${arg_LABELS}\")\nendif()\n"
  )
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels_file})
endfunction()

# cyto8_add_fuzz_target(NAME SOURCES x_fuzz.cc [DEPS target ...])
#
# SOURCES define LLVMFuzzerTestOneInput; seeds and past crashes lie in
# tests/fuzz/corpus/NAME, at least one file. In the fuzz preset this makes the
# libFuzzer program fuzz_NAME; in every other build a test of the same name
# that replays the corpus.
function(cyto8_add_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cyto8_add_fuzz_target(${name}): unknown argument "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(CYTO8_FUZZ)
    add_executable(fuzz_${name} ${arg_SOURCES})
    target_link_libraries(fuzz_${name} PRIVATE cyto8_options ${arg_DEPS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_property(TARGET fuzz_${name}
                 PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  else()
    cyto8_add_test(
      fuzz_${name}
      SOURCES ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_replay.cc
      DEPS ${arg_DEPS}
      LABELS fuzz)
    target_compile_definitions(fuzz_${name} PRIVATE CYTO8_FUZZ_NAME="${name}")
  endif()
  add_dependencies(fuzz_targets fuzz_${name})
endfunction()

# The islands: only they may use instructions that not every CPU has. Their
# locals are vectors that are all assigned: zeroing them first (hardening of the
# rest) goes through memory, in the middle of the loops.
# GCC 12 sees uninitialised values in its own header (bug 105593).
#
# cyto8_island(SUFFIX KERNELS name ... OPTIONS flag ...): name_SUFFIX.cc
function(cyto8_island suffix)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "KERNELS;OPTIONS")
  list(TRANSFORM arg_KERNELS APPEND _${suffix}.cc)
  set_source_files_properties(
    ${arg_KERNELS}
    PROPERTIES
      COMPILE_OPTIONS
      "${arg_OPTIONS};$<$<CXX_COMPILER_ID:GNU>:-ftrivial-auto-var-init=uninitialized;-Wno-maybe-uninitialized;-Wno-uninitialized>"
  )
endfunction()
