#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The one definition of the checks:
#   ./test.sh [fast]      every change: at most 20 minutes on 2 cores
#   ./test.sh full        all tests in all builds, then fuzzing: before a tag
#   ./test.sh fuzz [N]    N seconds per fuzz target (60)
#   ./test.sh perf [IMAGES TRUTH]   the benchmarks (docs/benchmarks.md)
# Installs what is missing (tools/setup.sh), builds under build/PRESET, and ends
# with one line "N passed, N failed, N skipped" over all runs. The exit status
# is 0 only if nothing failed; a build that fails counts as one failure.
# Environment: CYTO8_JOBS (processor count), CYTO8_CACHE_DIR (see
# tools/build_tsan_tbb.sh).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

jobs=${CYTO8_JOBS:-$(nproc)}
passed=0
failed=0
skipped=0
failed_names=()
skipped_names=()

say() { echo "test.sh: $* [${SECONDS} s]"; }

finish() {
  local name
  for name in "${skipped_names[@]}"; do echo "SKIPPED $name"; done
  for name in "${failed_names[@]}"; do echo "FAILED $name"; done
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0 && passed > 0))
  exit
}

add_failure() {
  failed=$((failed + 1))
  failed_names+=("$1")
}

# build PRESET "configure arguments" target...: ends the run if it cannot.
build() {
  local preset=$1 arguments=$2
  shift 2
  local log=build/$preset/configure.log
  mkdir -p "build/$preset"
  say "building $preset: ${*:-everything}"
  # shellcheck disable=SC2086  # a list of arguments without spaces
  if ! cmake --preset "$preset" $arguments >"$log" 2>&1; then
    cat "$log"
    add_failure "configure of $preset"
    finish
  fi
  if ! ninja -C "build/$preset" -j "$jobs" --quiet "$@"; then
    add_failure "build of $preset"
    finish
  fi
}

# "kind name" for each test of a JUnit file of ctest. A test that was not run
# for another reason than its own SKIPPED has failed.
read_results() {
  awk '
    function value(key) {
      if (!match($0, key "=\"[^\"]*\"")) return ""
      return substr($0, RSTART + length(key) + 2, RLENGTH - length(key) - 3)
    }
    function flush() {
      if (name != "") print kind, name
      name = ""
    }
    /^[ \t]*<testcase / {
      flush()
      name = value("name")
      kind = "failed"
      if (value("status") == "run") kind = "passed"
      if (value("status") == "disabled") kind = "skipped"
    }
    /^[ \t]*<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/ {
      kind = "skipped"
    }
    END { flush() }' "$1"
}

# run_tests PRESET ctest-argument...: adds the results to the sums.
run_tests() {
  local preset=$1 before=$failed count=0 kind name status
  shift
  local results=$PWD/build/$preset/results.xml
  rm -f "$results"
  say "testing $preset"
  ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure \
    --no-tests=error --output-junit "$results" "$@" </dev/null |
    grep -vE '^ +Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed '
  status=${PIPESTATUS[0]}
  [[ -f $results ]] && while read -r kind name; do
    count=$((count + 1))
    case $kind in
      passed) passed=$((passed + 1)) ;;
      skipped)
        skipped=$((skipped + 1))
        skipped_names+=("$preset: $name")
        ;;
      failed) add_failure "$preset: $name" ;;
    esac
  done < <(read_results "$results")
  # ctest may fail before any test does, e.g. when a program cannot list its
  # tests.
  if ((failed == before && (status != 0 || count == 0))); then
    add_failure "ctest of $preset (exit status $status)"
  fi
}

set_up() {
  tools/setup.sh "$@" || {
    add_failure "set-up"
    finish
  }
}

# run_asan TARGET... -- ctest-argument...
run_asan() {
  local targets=()
  while [[ $1 != -- ]]; do
    targets+=("$1")
    shift
  done
  build asan "" "${targets[@]}"
  ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 run_tests asan "${@:2}"
}

# Debian's oneTBB is not instrumented, and oneDNN's OpenMP neither: our own
# oneTBB is loaded, also by OpenCV, and tests labelled tsan use the naive
# engine.
run_tsan() {
  local tbb
  tbb=$(tools/build_tsan_tbb.sh) || {
    add_failure "oneTBB for ThreadSanitizer"
    finish
  }
  build tsan "-DTBB_DIR=$tbb/lib/cmake/TBB" tests_tsan
  LD_LIBRARY_PATH="$tbb/lib" \
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
    run_tests tsan -L '^tsan$' "$@"
}

run_fuzz() {
  local seconds=$1 program name work
  build fuzz "" fuzz_targets
  for program in build/fuzz/fuzzers/fuzz_*; do
    [[ -x $program ]] || continue
    name=${program##*/fuzz_}
    work=build/fuzz/found/$name
    mkdir -p "$work/corpus"
    say "fuzzing $name for $seconds s"
    if "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 \
      -print_final_stats=1 -artifact_prefix="$work/" "$work/corpus" \
      "tests/fuzz/corpus/$name" >"$work/log" 2>&1 </dev/null; then
      passed=$((passed + 1))
      grep -E 'number_of_executed_units|average_exec' "$work/log"
    else
      tail -40 "$work/log"
      add_failure "fuzz: $name (input and log in $work)"
    fi
  done
}

fast() {
  set_up build
  build dev ""
  run_tests dev -LE '^full$'
  # What reads hostile bytes or juggles memory; the rest is in full.
  run_asan tests_asan tests_fuzz -- -L '^(asan|fuzz)$' -LE '^full$'
  run_tsan -LE '^full$'
}

full() {
  set_up build fuzz qemu
  build dev ""
  run_tests dev
  build release ""
  run_tests release
  run_asan tests_unit tests_property tests_fault tests_fuzz -- \
    -L '^(unit|property|fault|fuzz)$'
  run_tsan
  run_fuzz 60
}

# perf IMAGES TRUTH: all benchmarks; TRUTH is COCO with um_per_px. Prints tables,
# judges nothing. Nothing else should run meanwhile.
perf() {
  set_up build
  build release "" cyto8 bench_end_to_end bench_kernels bench_merge \
    bench_network bench_network_load bench_int8_network bench_depthwise \
    bench_pointwise bench_int8_nodes
  local bench=build/release/bench
  "$bench/bench_network" &&
    "$bench/bench_int8_network" &&
    "$bench/bench_network_load" &&
    "$bench/bench_depthwise" &&
    "$bench/bench_pointwise" &&
    "$bench/bench_int8_nodes" &&
    "$bench/bench_kernels" &&
    "$bench/bench_merge" &&
    "$bench/bench_end_to_end" --cyto8 build/release/app/cyto8 \
      --model data/models/d2-cells.yaml --images "$1" --mpp-from "$2" --gt "$2"
}

case ${1:-fast} in
  fast) fast ;;
  full) full ;;
  fuzz)
    [[ ${2:-60} =~ ^[0-9]+$ ]] || {
      echo "test.sh: seconds = $2: must be a whole number" >&2
      exit 2
    }
    set_up build fuzz
    run_fuzz "${2:-60}"
    ;;
  perf)
    perf "${2:-data/fields}" "${3:-data/fields/fields.json}"
    exit
    ;;
  *)
    echo "test.sh: mode = $1: must be fast, full, fuzz or perf" >&2
    exit 2
    ;;
esac
finish
