// SPDX-License-Identifier: Apache-2.0
// Replaces operator new and malloc; see failing_allocations.h. malloc of glibc
// is reached by the names under which glibc keeps it for whoever replaces it.
#include "tests/support/failing_allocations.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// The replaced functions have no other place to look at.
struct State {
  bool armed = false;
  bool of_new = false;
  bool of_malloc = false;
  bool lasting = false;
  bool failed = false;
  int64_t left = 0;  // that succeed before the one that fails.
  int64_t held = 0;
};
thread_local State state;

bool Fails() {
  if (state.left-- > 0) return false;
  const bool fails = state.lasting || !state.failed;
  state.failed = true;
  return fails;
}

void* Allocate(std::size_t size, std::size_t alignment) {
  const bool fails = state.armed && state.of_new && Fails();
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return fails ? nullptr : std::aligned_alloc(alignment, rounded);
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  void* memory = Allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return AllocateOrThrow(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, alignof(std::max_align_t));
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace {
constexpr bool kReplacesMalloc = false;
}  // namespace

#else

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

}  // extern "C"

namespace {

constexpr bool kReplacesMalloc = true;

bool MallocFails() {
  if (!state.armed || !state.of_malloc || !Fails()) return false;
  errno = ENOMEM;
  return true;
}

void* Counted(void* memory) {
  if (memory != nullptr) ++state.held;
  return memory;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  return MallocFails() ? nullptr : Counted(__libc_malloc(size));
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return MallocFails() ? nullptr : Counted(__libc_calloc(count, size));
}
void* realloc(void* memory, std::size_t size) noexcept {
  if (MallocFails()) return nullptr;
  void* moved = __libc_realloc(memory, size);
  if (memory == nullptr) Counted(moved);
  if (memory != nullptr && size == 0) --state.held;
  return moved;
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return MallocFails() ? nullptr : Counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment,
                   std::size_t size) noexcept {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) noexcept {
  if (memory != nullptr) --state.held;
  __libc_free(memory);
}

}  // extern "C"

#endif

namespace cyto8 {

FailingAllocations::FailingAllocations(Allocations kind, int64_t index,
                                       bool lasting) {
  const bool all = kind == Allocations::kAll && kReplacesMalloc;
  state.of_new = !all;  // calls malloc.
  state.of_malloc = all;
  state.left = index;
  state.lasting = lasting;
  state.failed = false;
  state.armed = true;
}

FailingAllocations::~FailingAllocations() { state.armed = false; }

bool FailingAllocations::failed() const { return state.failed; }

int64_t HeldAllocations() { return kReplacesMalloc ? state.held : 0; }

}  // namespace cyto8
