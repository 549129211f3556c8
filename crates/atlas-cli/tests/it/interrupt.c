// Loaded before the C library: ends or fails a process at its n-th change to the file system.
//
// KILL_AT=n ends it before the n-th fsync, rename or unlink. FAIL_FSYNC=n has the n-th fsync
// report EIO, once. CLOCK_OFFSET=n sets the clock n seconds ahead, for this process only. HANG_DNS=1
// lets the resolution of host names hang.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_int steps, syncs;

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static void step(void) {
    if (atomic_fetch_add(&steps, 1) + 1 == number("KILL_AT")) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

int fsync(int file) {
    step();
    if (atomic_fetch_add(&syncs, 1) + 1 == number("FAIL_FSYNC")) {
        errno = EIO;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int rename(const char *from, const char *to) {
    step();
    return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}

int unlink(const char *path) {
    step();
    return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = ((int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime"))(clock, now);
    const char *offset = getenv("CLOCK_OFFSET");
    if (!failed && offset && clock == CLOCK_REALTIME) {
        now->tv_sec += atoll(offset);
    }
    return failed;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    if (number("HANG_DNS")) {
        for (;;) {
            pause();
        }
    }
    return ((int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
        RTLD_NEXT, "getaddrinfo"))(host, port, hints, found);
}
