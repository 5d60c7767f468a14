/* Tells every program that asks the C library what time it is another date than the machine's: that of so many seconds
 * later, or earlier. Compiled and loaded by clock.py.
 *
 * Only what tells the date is shifted. The clocks that measure how long something takes are the machine's, so that no wait
 * lasts longer or shorter. Of the waits that end at a date, those are put right that programs here use.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t offset(void) {
    const char *text = getenv("LAB_CLOCK_OFFSET_SECONDS");
    return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

static time_t shift;
static int is_known;

static time_t shifted_by(void) {
    if (!is_known) {
        shift = offset();
        is_known = 1;
    }
    return shift;
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = next("clock_gettime");
    int result = real(id, at);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += shifted_by();
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    static int (*real)(struct timeval *restrict, void *restrict);
    if (!real) real = next("gettimeofday");
    int result = real(at, zone);
    if (result == 0 && at) at->tv_sec += shifted_by();
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    if (base != TIME_UTC) return 0;
    return clock_gettime(CLOCK_REALTIME, at) == 0 ? base : 0;
}

static struct timespec unshifted(const struct timespec *until) {
    struct timespec real = *until;
    real.tv_sec -= shifted_by();
    return real;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    static int (*real)(sem_t *restrict, const struct timespec *restrict);
    if (!real) real = next("sem_timedwait");
    struct timespec at = unshifted(until);
    return real(semaphore, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    static int (*real)(pthread_mutex_t *restrict, const struct timespec *restrict);
    if (!real) real = next("pthread_mutex_timedlock");
    struct timespec at = unshifted(until);
    return real(mutex, &at);
}
