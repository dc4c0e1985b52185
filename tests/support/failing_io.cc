// SPDX-License-Identifier: Apache-2.0
// To be preloaded (LD_PRELOAD): one system call on a path below a folder fails,
// in a program that knows nothing of it. Tested by what uses it,
// tests/app/failing_io_test.cc. stat, readdir and what the C library does by
// itself (fopen) are not seen. Environment:
//   CYTO8_IO_FOLDER  paths that begin so count, and files opened under them.
//   CYTO8_IO_INDEX   the call that fails, from 0; none: calls are counted only.
//   CYTO8_IO_ERRNO   with which error. 0: it is done in part instead, where it
//                    moves bytes (half of them).
//   CYTO8_IO_REPORT  a file outside of the folder. Written at the end: the
//                    number of calls, then, if one failed, its name and path.
// A close that fails closes nevertheless, as Linux does. Not for programs that
// fork.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kFiles = 1024;
constexpr size_t kPathBytes = 1024;

// Zero before the first call, which may come before any constructor runs.
std::atomic<long> calls;
char failed[kPathBytes + 64];
char paths[kFiles][kPathBytes];  // of open files; "": does not count.

// The next function of this name, behind this library.
#define NEXT(name, result, ...) \
  static const auto next =      \
      reinterpret_cast<result (*)(__VA_ARGS__)>(dlsym(RTLD_NEXT, name))

bool IsBelow(const char* path) {
  const char* folder = getenv("CYTO8_IO_FOLDER");
  return folder != nullptr && strncmp(path, folder, strlen(folder)) == 0;
}

// Whether the call of that name is the one; its error is in errno then. Only
// one that moves bytes can be done in part (*in_part).
bool Fails(const char* name, const char* path, bool* in_part = nullptr) {
  if (!IsBelow(path)) return false;
  const char* index = getenv("CYTO8_IO_INDEX");
  const long number = calls++;
  if (index == nullptr || number != atol(index)) return false;
  snprintf(failed, sizeof(failed), "%s %s", name, path);
  const int error = atoi(getenv("CYTO8_IO_ERRNO"));
  if (error == 0) {
    if (in_part != nullptr) *in_part = true;
    return false;
  }
  errno = error;
  return true;
}

const char* PathOf(int file) {
  return file >= 0 && file < kFiles ? paths[file] : "";
}

int Opened(int file, const char* path) {
  if (file >= 0 && file < kFiles) {
    snprintf(paths[file], kPathBytes, "%s", IsBelow(path) ? path : "");
  }
  return file;
}

size_t PartOf(size_t bytes, bool in_part) {
  return in_part && bytes > 1 ? bytes / 2 : bytes;
}

__attribute__((destructor)) void Report() {
  const char* path = getenv("CYTO8_IO_REPORT");
  FILE* file = path != nullptr ? fopen(path, "w") : nullptr;
  if (file == nullptr) return;
  fprintf(file, "%ld\n%s\n", calls.load(), failed);
  fclose(file);
}

mode_t ModeOf(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
}

}  // namespace

extern "C" {

#define OPEN(function)                             \
  int function(const char* path, int flags, ...) { \
    NEXT(#function, int, const char*, int, ...);   \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    const mode_t mode = ModeOf(flags, rest);       \
    va_end(rest);                                  \
    if (Fails("open", path)) return -1;            \
    return Opened(next(path, flags, mode), path);  \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(function)                                       \
  int function(int folder, const char* path, int flags, ...) { \
    NEXT(#function, int, int, const char*, int, ...);          \
    va_list rest;                                              \
    va_start(rest, flags);                                     \
    const mode_t mode = ModeOf(flags, rest);                   \
    va_end(rest);                                              \
    if (Fails("open", path)) return -1;                        \
    return Opened(next(folder, path, flags, mode), path);      \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int file) {
  NEXT("close", int, int);
  const bool fails = Fails("close", PathOf(file));
  const int error = errno;
  if (file >= 0 && file < kFiles) paths[file][0] = '\0';
  const int result = next(file);
  if (!fails) return result;
  errno = error;
  return -1;
}

#define MOVE(function, Bytes)                                \
  ssize_t function(int file, Bytes bytes, size_t size) {     \
    NEXT(#function, ssize_t, int, Bytes, size_t);            \
    bool in_part = false;                                    \
    if (Fails(#function, PathOf(file), &in_part)) return -1; \
    return next(file, bytes, PartOf(size, in_part));         \
  }
MOVE(read, void*)
MOVE(write, const void*)

#define MOVE_AT(function, name, Bytes, Offset)                          \
  ssize_t function(int file, Bytes bytes, size_t size, Offset offset) { \
    NEXT(#function, ssize_t, int, Bytes, size_t, Offset);               \
    bool in_part = false;                                               \
    if (Fails(name, PathOf(file), &in_part)) return -1;                 \
    return next(file, bytes, PartOf(size, in_part), offset);            \
  }
MOVE_AT(pread, "pread", void*, off_t)
MOVE_AT(pread64, "pread", void*, off64_t)
MOVE_AT(pwrite, "pwrite", const void*, off_t)
MOVE_AT(pwrite64, "pwrite", const void*, off64_t)

int fsync(int file) {
  NEXT("fsync", int, int);
  return Fails("fsync", PathOf(file)) ? -1 : next(file);
}

int fdatasync(int file) {
  NEXT("fdatasync", int, int);
  return Fails("fdatasync", PathOf(file)) ? -1 : next(file);
}

int flock(int file, int operation) noexcept {
  NEXT("flock", int, int, int);
  return Fails("flock", PathOf(file)) ? -1 : next(file, operation);
}

#define STAT(function, Info)                                     \
  int function(int file, Info* info) noexcept {                  \
    NEXT(#function, int, int, Info*);                            \
    return Fails("fstat", PathOf(file)) ? -1 : next(file, info); \
  }
STAT(fstat, struct stat)
STAT(fstat64, struct stat64)

int rename(const char* from, const char* to) noexcept {
  NEXT("rename", int, const char*, const char*);
  return Fails("rename", to) ? -1 : next(from, to);
}

int unlink(const char* path) noexcept {
  NEXT("unlink", int, const char*);
  return Fails("unlink", path) ? -1 : next(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
  NEXT("mkdir", int, const char*, mode_t);
  return Fails("mkdir", path) ? -1 : next(path, mode);
}

DIR* opendir(const char* path) {
  NEXT("opendir", DIR*, const char*);
  return Fails("opendir", path) ? nullptr : next(path);
}

#define MAP(function, Offset)                                         \
  void* function(void* start, size_t size, int protection, int flags, \
                 int file, Offset offset) noexcept {                  \
    NEXT(#function, void*, void*, size_t, int, int, int, Offset);     \
    if (Fails("mmap", PathOf(file))) return MAP_FAILED;               \
    return next(start, size, protection, flags, file, offset);        \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

}  // extern "C"
