/* A wall clock that a test can step, for one process only: no clock of the machine is touched.

   Loaded before the C library (LD_PRELOAD), it answers what a program can ask about the time of day
   with the kernel's answer plus a shift, which it reads anew each time from the file that
   SHIFTED_CLOCK names: eight bytes, nanoseconds, in this machine's byte order. Every other clock
   stays as it is, as when an administrator or NTP steps the real one. The kernel is asked by system
   call: the C library would answer from the vDSO, inside itself, where nothing can come between.
   What is not covered: code that calls the vDSO itself, and timers set to a time of day
   (timerfd, sem_timedwait), of which the server has none. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift;
static int64_t none;

__attribute__((constructor)) static void open_shift(void)
{
    const char *path = getenv("SHIFTED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = MAP_FAILED;
    if (file >= 0) {
        page = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    shift = page == MAP_FAILED ? &none : page;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || !shift)
        return failed;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) {
        int64_t at = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + *shift;
        now->tv_sec = at / 1000000000;
        now->tv_nsec = at % 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec at;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

time_t time(time_t *result)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (result)
        *result = at.tv_sec;
    return at.tv_sec;
}
