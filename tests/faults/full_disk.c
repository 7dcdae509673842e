/* A disk that is full after so many bytes: loaded before the C library, it counts what is written below a folder.

   FULL_DISK_FOLDER  the folder; FULL_DISK_BYTES how much it takes; without them, nothing is changed.
   Threads may write at once: the count is atomic. What was deleted gives no room back. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_llong written;

long long full_disk_written(void)
{
    return written;
}

static int is_below(int descriptor)
{
    const char *folder = getenv("FULL_DISK_FOLDER");
    char link[64], path[PATH_MAX + 1];
    ssize_t length;
    if (folder == NULL)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, PATH_MAX);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int is_full(long long more)
{
    const char *room = getenv("FULL_DISK_BYTES");
    return room != NULL && atomic_fetch_add(&written, more) + more > atoll(room);
}

static int refuses(int descriptor, size_t bytes)
{
    if (!is_below(descriptor) || !is_full((long long)bytes))
        return 0;
    errno = ENOSPC;
    return 1;
}

#define NEXT(name) static __typeof__(name) *next; if (next == NULL) next = dlsym(RTLD_NEXT, #name)

ssize_t write(int descriptor, const void *from, size_t bytes)
{
    NEXT(write);
    return refuses(descriptor, bytes) ? -1 : next(descriptor, from, bytes);
}

ssize_t pwrite(int descriptor, const void *from, size_t bytes, off_t at)
{
    NEXT(pwrite);
    return refuses(descriptor, bytes) ? -1 : next(descriptor, from, bytes, at);
}

ssize_t pwrite64(int descriptor, const void *from, size_t bytes, off64_t at)
{
    NEXT(pwrite64);
    return refuses(descriptor, bytes) ? -1 : next(descriptor, from, bytes, at);
}

static size_t sum(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int at = 0; at < count; at++)
        bytes += parts[at].iov_len;
    return bytes;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    NEXT(writev);
    return refuses(descriptor, sum(parts, count)) ? -1 : next(descriptor, parts, count);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at)
{
    NEXT(pwritev);
    return refuses(descriptor, sum(parts, count)) ? -1 : next(descriptor, parts, count, at);
}

ssize_t sendfile(int to, int from, off_t *at, size_t bytes)
{
    NEXT(sendfile);
    return refuses(to, bytes) ? -1 : next(to, from, at, bytes);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t bytes)
{
    NEXT(sendfile64);
    return refuses(to, bytes) ? -1 : next(to, from, at, bytes);
}

/* The C library's own streams do not come by `write` above: what they hold is counted when it is handed to them. */
size_t fwrite(const void *from, size_t size, size_t count, FILE *stream)
{
    NEXT(fwrite);
    return refuses(fileno(stream), size * count) ? 0 : next(from, size, count, stream);
}

/* Who asks how much room is left is told none once it was full. */
static int none_left(const char *path)
{
    const char *folder = getenv("FULL_DISK_FOLDER");
    char place[PATH_MAX + 1];
    return folder != NULL && is_full(0) && realpath(path, place) != NULL && strncmp(place, folder, strlen(folder)) == 0;
}

int statvfs(const char *path, struct statvfs *told)
{
    NEXT(statvfs);
    int answer = next(path, told);
    if (answer == 0 && none_left(path))
        told->f_bavail = told->f_bfree = 0;
    return answer;
}

int statvfs64(const char *path, struct statvfs64 *told)
{
    NEXT(statvfs64);
    int answer = next(path, told);
    if (answer == 0 && none_left(path))
        told->f_bavail = told->f_bfree = 0;
    return answer;
}
