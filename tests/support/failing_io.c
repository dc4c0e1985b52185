// SPDX-License-Identifier: Apache-2.0
// To be preloaded (LD_PRELOAD): one system call on a path below a folder fails,
// in a program that knows nothing of it. Tested by what uses it,
// tests/app/failing_io_test.cc. Environment:
//   CYTO8_IO_FOLDER  paths that begin so count, and files opened under them.
//   CYTO8_IO_INDEX   the call that fails, from 0; none: calls are counted only.
//   CYTO8_IO_ERRNO   with which error. 0: it is done in part instead, where it
//                    moves bytes (half of them).
//   CYTO8_IO_REPORT  a file outside of the folder. Written at the end: the
//                    number of calls, then, if one failed, its name and path.
// A close that fails closes nevertheless, as Linux does. Not for programs that
// fork.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kFiles = 1024, kPathBytes = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long calls = 0;
static char failed[kPathBytes + 64] = "";
static char paths[kFiles][kPathBytes];  // of open files; "": does not count.

// The next function of this name, behind this library. ISO C has no conversion
// from an object pointer to it.
#define NEXT(name, result, ...)              \
  static result (*next)(__VA_ARGS__) = NULL; \
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, name)

static int IsBelow(const char* path) {
  const char* folder = getenv("CYTO8_IO_FOLDER");
  return folder != NULL && path != NULL &&
         strncmp(path, folder, strlen(folder)) == 0;
}

// Whether the call of that name is the one; its error is in errno then. Only
// one that moves bytes can be done in part (*in_part).
static int Fails(const char* name, const char* path, int* in_part) {
  if (!IsBelow(path)) return 0;
  const char* index = getenv("CYTO8_IO_INDEX");
  pthread_mutex_lock(&mutex);
  const int is_it = index != NULL && calls == atol(index);
  ++calls;
  if (is_it) snprintf(failed, sizeof(failed), "%s %s", name, path);
  pthread_mutex_unlock(&mutex);
  if (!is_it) return 0;
  const int error = atoi(getenv("CYTO8_IO_ERRNO"));
  if (error == 0) {
    if (in_part != NULL) *in_part = 1;
    return 0;
  }
  errno = error;
  return 1;
}

static const char* PathOf(int file) {
  return file >= 0 && file < kFiles ? paths[file] : "";
}

static int Opened(int file, const char* path) {
  if (file >= 0 && file < kFiles) {
    snprintf(paths[file], kPathBytes, "%s", IsBelow(path) ? path : "");
  }
  return file;
}

static size_t PartOf(size_t bytes, int in_part) {
  return in_part && bytes > 1 ? bytes / 2 : bytes;
}

__attribute__((destructor)) static void Report(void) {
  const char* path = getenv("CYTO8_IO_REPORT");
  FILE* file = path != NULL ? fopen(path, "w") : NULL;
  if (file == NULL) return;
  fprintf(file, "%ld\n%s\n", calls, failed);
  fclose(file);
}

static mode_t ModeOf(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

#define OPEN(function)                             \
  int function(const char* path, int flags, ...) { \
    NEXT(#function, int, const char*, int, ...);   \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    const mode_t mode = ModeOf(flags, rest);       \
    va_end(rest);                                  \
    if (Fails("open", path, NULL)) return -1;      \
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
    if (Fails("open", path, NULL)) return -1;                  \
    return Opened(next(folder, path, flags, mode), path);      \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int file) {
  NEXT("close", int, int);
  const int fails = Fails("close", PathOf(file), NULL);
  const int error = errno;
  if (file >= 0 && file < kFiles) paths[file][0] = '\0';
  const int result = next(file);
  if (!fails) return result;
  errno = error;
  return -1;
}

#define MOVE(function, name, bytes_type)                      \
  ssize_t function(int file, bytes_type bytes, size_t size) { \
    NEXT(#function, ssize_t, int, bytes_type, size_t);        \
    int in_part = 0;                                          \
    if (Fails(name, PathOf(file), &in_part)) return -1;       \
    return next(file, bytes, PartOf(size, in_part));          \
  }
MOVE(read, "read", void*)
MOVE(write, "write", const void*)

#define MOVE_AT(function, name, bytes_type, offset_type)            \
  ssize_t function(int file, bytes_type bytes, size_t size,         \
                   offset_type offset) {                            \
    NEXT(#function, ssize_t, int, bytes_type, size_t, offset_type); \
    int in_part = 0;                                                \
    if (Fails(name, PathOf(file), &in_part)) return -1;             \
    return next(file, bytes, PartOf(size, in_part), offset);        \
  }
MOVE_AT(pread, "pread", void*, off_t)
MOVE_AT(pread64, "pread", void*, off64_t)
MOVE_AT(pwrite, "pwrite", const void*, off_t)
MOVE_AT(pwrite64, "pwrite", const void*, off64_t)

int fsync(int file) {
  NEXT("fsync", int, int);
  return Fails("fsync", PathOf(file), NULL) ? -1 : next(file);
}

int fdatasync(int file) {
  NEXT("fdatasync", int, int);
  return Fails("fdatasync", PathOf(file), NULL) ? -1 : next(file);
}

int flock(int file, int operation) {
  NEXT("flock", int, int, int);
  return Fails("flock", PathOf(file), NULL) ? -1 : next(file, operation);
}

#define STAT(function, type)                                           \
  int function(int file, type* info) {                                 \
    NEXT(#function, int, int, type*);                                  \
    return Fails("fstat", PathOf(file), NULL) ? -1 : next(file, info); \
  }
STAT(fstat, struct stat)
STAT(fstat64, struct stat64)

int rename(const char* from, const char* to) {
  NEXT("rename", int, const char*, const char*);
  return Fails("rename", to, NULL) ? -1 : next(from, to);
}

int unlink(const char* path) {
  NEXT("unlink", int, const char*);
  return Fails("unlink", path, NULL) ? -1 : next(path);
}

int mkdir(const char* path, mode_t mode) {
  NEXT("mkdir", int, const char*, mode_t);
  return Fails("mkdir", path, NULL) ? -1 : next(path, mode);
}

DIR* opendir(const char* path) {
  NEXT("opendir", DIR*, const char*);
  return Fails("opendir", path, NULL) ? NULL : next(path);
}

#define MAP(function, offset_type)                                     \
  void* function(void* start, size_t size, int protection, int flags,  \
                 int file, offset_type offset) {                       \
    NEXT(#function, void*, void*, size_t, int, int, int, offset_type); \
    if (Fails("mmap", PathOf(file), NULL)) return MAP_FAILED;          \
    return next(start, size, protection, flags, file, offset);         \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)
