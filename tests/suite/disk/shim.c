/*
 * A disk that fails when it is told to: stands between the binary and the system's file calls, by LD_PRELOAD.
 *
 * Every change below the folders of DISK_UNDER is counted, and so is every sync. At the one of number DISK_AT, and, with
 * DISK_FROM, counted only from the moment that file exists, it does what DISK_DO says:
 *
 *   kill-before  kill-amid  kill-after   the process dies: before it, with half the bytes written, after it
 *   full         there is no room for it, nor for anything after that; half of the first write still fits
 *   full-once    there is no room for it, and for all others there is
 *   broken       it fails, and so does everything after it, reading apart
 *   broken-once  it fails
 *
 * What was changed and synced is written to DISK_LOG, one entry each, in the order in which it happened, so that it can
 * be told afterwards what of it a power cut would have taken. An entry is a line "KIND INODE OFFSET LENGTH\n" and
 * LENGTH bytes: what was written, or a path, or two with a zero between them.
 *
 * The calls themselves go to the system directly, and one at a time: the order in the log is the true one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FOLDERS_MAX 8

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static char *folders[FOLDERS_MAX];
static int log_fd = -1;
static const char *from;
static unsigned long at, met;
static int error;      /* what fails, fails with this; 0 where the process dies */
static int is_lasting; /* it goes on failing */
static int has_begun;  /* the first one has failed */
static enum { BEFORE, AMID, AFTER } moment;

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

__attribute__((constructor)) static void begin(void)
{
    const char *under = getenv("DISK_UNDER"), *number = getenv("DISK_AT"), *what = getenv("DISK_DO"),
               *log = getenv("DISK_LOG");
    if (!under)
        return;
    char *rest = strdup(under);
    for (int i = 0; i < FOLDERS_MAX && rest; i++)
        folders[i] = strsep(&rest, ":");
    from = getenv("DISK_FROM");
    at = number ? strtoul(number, NULL, 10) : 0;
    if (!what)
        at = 0;
    else if (!strncmp(what, "kill-", 5))
        moment = !strcmp(what + 5, "before") ? BEFORE : !strcmp(what + 5, "amid") ? AMID : AFTER;
    else {
        error = strncmp(what, "full", 4) ? EIO : ENOSPC;
        is_lasting = !strstr(what, "-once");
    }
    if (log)
        log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Whether a whole path is one of the folders or below one. */
static int is_under(const char *path)
{
    for (int i = 0; i < FOLDERS_MAX && folders[i]; i++) {
        size_t length = strlen(folders[i]);
        if (!strncmp(path, folders[i], length) && (path[length] == '/' || !path[length]))
            return 1;
    }
    return 0;
}

/* The path behind a descriptor; says whether it is ours. */
static int of_fd(int fd, char *path)
{
    char link[64];
    if (!folders[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0 && is_under(path);
}

/* Makes a path whole; says whether it is ours. */
static int of_path(int folder, const char *name, char *path)
{
    char base[PATH_MAX] = "";
    if (!folders[0])
        return 0;
    if (name[0] == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else {
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base))
                return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, PATH_MAX - 1);
            base[length > 0 ? length : 0] = 0;
        }
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX)
            return 0;
    }
    return is_under(path);
}

static void put(const void *bytes, size_t length)
{
    const char *next = bytes;
    while (length) {
        ssize_t done = syscall(SYS_write, log_fd, next, length);
        if (done < 0)
            die();
        next += done;
        length -= done;
    }
}

static void note(char kind, unsigned long inode, unsigned long offset, const void *bytes, size_t length)
{
    char head[96];
    if (log_fd < 0)
        return;
    put(head, snprintf(head, sizeof head, "%c %lu %lu %zu\n", kind, inode, offset, length));
    put(bytes, length);
}

static unsigned long inode_of(int fd)
{
    struct stat it;
    return fstat(fd, &it) ? 0 : it.st_ino;
}

enum turn { GOES, HALF, FAILS, DIES };

/* Counts a change, and says what becomes of it. Only what takes room fails for want of it. */
static enum turn turn_of(int takes_room)
{
    if (!at || (from && syscall(SYS_faccessat, AT_FDCWD, from, F_OK, 0)))
        return GOES;
    met++;
    if (met < at)
        return GOES;
    if (!error) {
        if (met > at)
            return GOES;
        if (moment == BEFORE)
            die();
        return moment == AMID ? HALF : DIES;
    }
    if ((has_begun && !is_lasting) || (error == ENOSPC && !takes_room))
        return GOES;
    enum turn turn = error == ENOSPC && is_lasting && !has_begun ? HALF : FAILS;
    has_begun = 1;
    return turn;
}

static int failed(void)
{
    errno = error;
    return -1;
}

/* What a change that cannot be halved does: it is made or not. */
static enum turn whole(enum turn turn)
{
    if (turn != HALF)
        return turn;
    return error ? FAILS : DIES;
}

#define LOCKED pthread_mutex_lock(&disk)
#define FREE pthread_mutex_unlock(&disk)

/* A change that is one call: made or not, and noted with NOTE once it is. */
#define CHANGE(takes_room, call, NOTE)                  \
    do {                                                \
        LOCKED;                                         \
        enum turn turn = whole(turn_of(takes_room));    \
        long done = turn == FAILS ? failed() : (call);  \
        if (done >= 0)                                  \
            NOTE;                                       \
        if (turn == DIES)                               \
            die();                                      \
        int kept = errno;                               \
        FREE;                                           \
        errno = kept;                                   \
        return done;                                    \
    } while (0)

static ssize_t write_to(int fd, const struct iovec *pieces, int count, off_t offset)
{
    LOCKED;
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    char *bytes = malloc(length + 1), *next = bytes;
    for (int i = 0; i < count; i++)
        next = mempcpy(next, pieces[i].iov_base, pieces[i].iov_len);
    off_t place = offset;
    if (offset < 0) {
        struct stat it = {0};
        fstat(fd, &it);
        place = fcntl(fd, F_GETFL) & O_APPEND ? it.st_size : lseek(fd, 0, SEEK_CUR);
    }
    enum turn turn = turn_of(1);
    if (turn == HALF && error && length < 2)
        turn = FAILS;
    size_t wanted = turn == HALF ? length / 2 : length;
    ssize_t done = turn == FAILS ? failed()
                   : offset < 0  ? syscall(SYS_write, fd, bytes, wanted)
                                 : syscall(SYS_pwrite64, fd, bytes, wanted, offset);
    if (done >= 0)
        note('w', inode_of(fd), place, bytes, done);
    if (turn == DIES || (turn == HALF && !error))
        die();
    int kept = errno;
    free(bytes);
    FREE;
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    char path[PATH_MAX];
    if (!of_fd(fd, path))
        return syscall(SYS_write, fd, bytes, length);
    struct iovec piece = {(void *)bytes, length};
    return write_to(fd, &piece, 1, -1);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    char path[PATH_MAX];
    if (!of_fd(fd, path))
        return syscall(SYS_writev, fd, pieces, count);
    return write_to(fd, pieces, count, -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
    char path[PATH_MAX];
    if (!of_fd(fd, path))
        return syscall(SYS_pwrite64, fd, bytes, length, offset);
    struct iovec piece = {(void *)bytes, length};
    return write_to(fd, &piece, 1, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}

static int opened(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat before;
    int is_ours = of_path(folder, name, path) && (flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE;
    int is_there = is_ours && !fstatat(AT_FDCWD, path, &before, 0);
    int is_change = is_ours && (is_there ? (flags & O_TRUNC) && before.st_size : flags & O_CREAT);
    if (!is_change)
        return syscall(SYS_openat, folder, name, flags, mode);
    CHANGE(!is_there, syscall(SYS_openat, folder, name, flags, mode),
           note(is_there ? 't' : 'c', inode_of(done), 0, path, is_there ? 0 : strlen(path)));
}

/* A mode is there only where a file may be made. */
#define OPENED(folder)                                              \
    mode_t mode = 0;                                                \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {      \
        va_list rest;                                               \
        va_start(rest, flags);                                      \
        mode = va_arg(rest, mode_t);                                \
        va_end(rest);                                               \
    }                                                               \
    return opened(folder, name, flags, mode)

int open(const char *name, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *name, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int folder, const char *name, int flags, ...) { OPENED(folder); }
int openat64(int folder, const char *name, int flags, ...) { OPENED(folder); }

int ftruncate64(int fd, off_t length)
{
    char path[PATH_MAX];
    struct stat before = {0};
    if (!of_fd(fd, path))
        return syscall(SYS_ftruncate, fd, length);
    fstat(fd, &before);
    CHANGE(length > before.st_size, syscall(SYS_ftruncate, fd, length), note('t', inode_of(fd), length, "", 0));
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, long number)
{
    char path[PATH_MAX];
    if (!of_fd(fd, path))
        return syscall(number, fd);
    CHANGE(0, syscall(number, fd), note('s', inode_of(fd), 0, path, strlen(path)));
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int renamed(int from_folder, const char *old, int to_folder, const char *new, unsigned flags)
{
    char paths[2 * PATH_MAX], to[PATH_MAX];
    struct stat moved = {0};
    int is_ours = of_path(from_folder, old, paths);
    if (!of_path(to_folder, new, to) && !is_ours)
        return syscall(SYS_renameat2, from_folder, old, to_folder, new, flags);
    size_t length = strlen(paths) + 1;
    strcpy(paths + length, to);
    fstatat(AT_FDCWD, paths, &moved, AT_SYMLINK_NOFOLLOW);
    CHANGE(0, syscall(SYS_renameat2, from_folder, old, to_folder, new, flags),
           note('r', moved.st_ino, 0, paths, length + strlen(to)));
}

int rename(const char *old, const char *new) { return renamed(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return renamed(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return renamed(from, old, to, new, flags);
}

int linkat(int from_folder, const char *old, int to_folder, const char *new, int flags)
{
    char path[PATH_MAX];
    struct stat linked = {0};
    if (!of_path(to_folder, new, path))
        return syscall(SYS_linkat, from_folder, old, to_folder, new, flags);
    fstatat(from_folder, old, &linked, 0);
    CHANGE(1, syscall(SYS_linkat, from_folder, old, to_folder, new, flags),
           note('h', linked.st_ino, 0, path, strlen(path)));
}

int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!of_path(folder, name, path))
        return syscall(SYS_unlinkat, folder, name, flags);
    CHANGE(0, syscall(SYS_unlinkat, folder, name, flags), note('u', 0, 0, path, strlen(path)));
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!of_path(folder, name, path))
        return syscall(SYS_mkdirat, folder, name, mode);
    CHANGE(1, syscall(SYS_mkdirat, folder, name, mode), note('d', 0, 0, path, strlen(path)));
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

/* Makes nothing last: it writes pages without what is needed to find them again. */
int sync_file_range(int fd, off_t offset, off_t count, unsigned flags)
{
    return syscall(SYS_sync_file_range, fd, offset, count, flags);
}

/* Ways around `write`, which their callers do without where a system lacks them. */
static ssize_t refused(int code)
{
    errno = code;
    return -1;
}

ssize_t copy_file_range(int from, off_t *at_from, int to, off_t *at_to, size_t length, unsigned flags)
{
    char path[PATH_MAX];
    return of_fd(to, path) ? refused(ENOSYS)
                           : syscall(SYS_copy_file_range, from, at_from, to, at_to, length, flags);
}

ssize_t sendfile64(int to, int from, off_t *offset, size_t length)
{
    char path[PATH_MAX];
    return of_fd(to, path) ? refused(EINVAL) : syscall(SYS_sendfile, to, from, offset, length);
}
