#include "feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Invariants, under `lock`:
 * (1) given <= taken <= filled: parcels are numbered in reading order.
 * (2) the parcel numbered n lies in ring[n % n_parcels] from `filled` to `given`.
 * (3) a parcel is filled only from `idle`, so at most n_parcels numbers live and no two
 *     of them share a ring place.
 *     (Parcels may come back in any order; the count is what bounds.)
 * (4) `failed` never goes back to FECIT_OK; whoever sets it also keeps its text. */
struct feed {
    struct feed_options options;
    struct source *source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool lock_made, changed_made;
    struct parcel **all;  /* [n_parcels] owned */
    struct parcel **ring; /* [n_parcels] (2) */
    bool *done;           /* [n_parcels] tokenised; same index as ring */
    struct parcel **idle; /* [n_parcels], n_idle in use */
    uint32_t n_parcels, n_idle;
    uint64_t filled, taken, given;
    size_t bytes; /* raw bytes under way */
    bool ended, stop;
    enum fecit_status failed;
    char why[1024];
    struct parcel_times times;
    pthread_t reader, *workers; /* workers [n_workers] */
    bool reader_started;
    uint32_t n_workers;
    struct parcel *filling; /* the reader's own, while it is being filled */
    uint64_t reading;       /* nanoseconds; the reader's own, see times.source */
};

static void fail(struct feed *f, enum fecit_status st)
{
    pthread_mutex_lock(&f->lock);
    if (f->failed == FECIT_OK) {
        f->failed = st;
        snprintf(f->why, sizeof f->why, "%s", status_text());
    }
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static enum fecit_status on_reject(void *self, const struct reject *r)
{
    struct feed *f = self;

    /* Of several shards the first reports what nobody could read. */
    if (f->options.shard_count > 1 && f->options.shard_index != 0) return FECIT_OK;
    return parcel_push_reject(f->filling, r);
}

/* An empty parcel for the reader, when there is room; NULL to stop. */
static struct parcel *idle_take(struct feed *f)
{
    struct parcel *p = NULL;

    pthread_mutex_lock(&f->lock);
    while (!f->stop && (f->n_idle == 0 || f->bytes >= FEED_BYTES))
        pthread_cond_wait(&f->changed, &f->lock);
    if (!f->stop) p = f->idle[--f->n_idle];
    pthread_mutex_unlock(&f->lock);
    return p;
}

static void filled_push(struct feed *f, struct parcel *p)
{
    pthread_mutex_lock(&f->lock);
    f->ring[f->filled % f->n_parcels] = p;
    f->done[f->filled % f->n_parcels] = false;
    f->filled++;
    f->bytes += p->raw_bytes;
    f->times.source = f->reading;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static bool in_shard(const struct feed *f, uint64_t number)
{
    const uint32_t n = f->options.shard_count;

    return n < 2 || number % n == f->options.shard_index;
}

/* Documents into f->filling until it is full. FECIT_END at the end of the input. */
static enum fecit_status fill(struct feed *f)
{
    enum fecit_status st = FECIT_OK;
    struct parcel *p = f->filling;
    struct parcel_item *item;
    struct document d = {0};

    while (p->raw_bytes < PARCEL_BYTES && p->n_items < PARCEL_ITEMS) {
        const uint64_t begin = parcel_clock();
        TRY(source_next(f->source, &d));
        f->reading += parcel_clock() - begin;
        if (!in_shard(f, d.number)) continue;
        TRY(parcel_push(p, &item));
        p->raw_bytes += d.raw.size;
        item->document = d;
        d = (struct document){0};
    }
done:
    document_clear(&d);
    return st;
}

static void *reader_main(void *self)
{
    struct feed *f = self;
    enum fecit_status st = FECIT_OK;

    while (st == FECIT_OK && (f->filling = idle_take(f))) {
        st = fill(f);
        if (st == FECIT_OK || (st == FECIT_END && f->filling->n_items > 0)) {
            filled_push(f, f->filling);
            f->filling = NULL;
        }
    }
    if (st == FECIT_OK || st == FECIT_END) {
        pthread_mutex_lock(&f->lock);
        f->ended = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
    } else {
        fail(f, st);
    }
    return NULL;
}

/* The number of the next parcel to tokenise; false when there is none to come. */
static bool todo_take(struct feed *f, uint64_t *number)
{
    bool some;

    pthread_mutex_lock(&f->lock);
    while (!f->stop && f->taken == f->filled && !f->ended)
        pthread_cond_wait(&f->changed, &f->lock);
    some = !f->stop && f->taken < f->filled;
    if (some) *number = f->taken++;
    pthread_mutex_unlock(&f->lock);
    return some;
}

static void *worker_main(void *self)
{
    struct feed *f = self;
    struct parcel_tools tools = {0};
    enum fecit_status st = FECIT_OK;
    uint64_t number = 0;

    TRY(parcel_tools_init(&tools, f->options.vocabulary, &f->options.tokens));
    while (todo_take(f, &number)) {
        TRY(parcel_run(f->ring[number % f->n_parcels], &tools));
        pthread_mutex_lock(&f->lock);
        f->done[number % f->n_parcels] = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
    }
done:
    if (st != FECIT_OK) fail(f, st);
    pthread_mutex_lock(&f->lock);
    f->times.text += tools.times.text;
    f->times.segment += tools.times.segment;
    f->times.tokens += tools.times.tokens;
    pthread_mutex_unlock(&f->lock);
    parcel_tools_clear(&tools);
    return NULL;
}

static enum fecit_status threads_start(struct feed *f)
{
    enum fecit_status st = FECIT_OK;
    uint32_t want = f->options.threads;

    TRY_MEM(f->workers = mem_new(want, sizeof *f->workers));
    if (pthread_create(&f->reader, NULL, reader_main, f) != 0)
        FAIL(FECIT_E_MEMORY, "cannot start the reading thread: %s", strerror(errno));
    f->reader_started = true;
    for (uint32_t i = 0; i < want; i++) {
        if (pthread_create(&f->workers[i], NULL, worker_main, f) != 0)
            FAIL(FECIT_E_MEMORY,
                 "cannot start thread %u of %u: %s; use a smaller --threads", i + 1,
                 want, strerror(errno));
        f->n_workers++;
    }
done:
    return st;
}

enum fecit_status feed_open(const struct feed_options *options, struct feed **out)
{
    enum fecit_status st = FECIT_OK;
    struct feed *f = mem_new(1, sizeof *f);
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    TRY_MEM(f);
    f->options = *options;
    if (f->options.threads == 0) f->options.threads = cpus > 0 ? (uint32_t)cpus : 1;
    f->n_parcels = 2 * FEED_HOLD + 4 * f->options.threads;
    if (f->n_parcels < 2 * f->options.hold) f->n_parcels = 2 * f->options.hold;
    TRY_MEM(f->all = mem_new(f->n_parcels, sizeof *f->all));
    TRY_MEM(f->ring = mem_new(f->n_parcels, sizeof *f->ring));
    TRY_MEM(f->done = mem_new(f->n_parcels, sizeof *f->done));
    TRY_MEM(f->idle = mem_new(f->n_parcels, sizeof *f->idle));
    for (uint32_t i = 0; i < f->n_parcels; i++) {
        TRY(parcel_new(&f->all[i]));
        f->idle[f->n_idle++] = f->all[i];
    }
    if (pthread_mutex_init(&f->lock, NULL) != 0)
        FAIL(FECIT_E_MEMORY, "cannot make a lock");
    f->lock_made = true;
    if (pthread_cond_init(&f->changed, NULL) != 0)
        FAIL(FECIT_E_MEMORY, "cannot make a condition");
    f->changed_made = true;
    TRY(source_open(options->inputs, options->n_inputs, &f->options.source, on_reject,
                    f, &f->source));
    TRY(threads_start(f));
    *out = f;
    f = NULL;
done:
    feed_close(f);
    return st;
}

/* FECIT_OK and nothing ready: *out stays NULL. */
static enum fecit_status ready_take(struct feed *f, struct parcel **out)
{
    const uint64_t slot = f->given % f->n_parcels;

    if (f->failed != FECIT_OK) return status_set(f->failed, "%s", f->why);
    if (f->given < f->filled && f->done[slot]) {
        *out = f->ring[slot];
        f->given++;
        return FECIT_OK;
    }
    return f->ended && f->given == f->filled ? FECIT_END : FECIT_OK;
}

enum fecit_status feed_next(struct feed *f, struct parcel **out)
{
    enum fecit_status st;
    struct timespec until;
    int waited = 0;

    *out = NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&f->lock);
    while ((st = ready_take(f, out)) == FECIT_OK && !*out && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&f->changed, &f->lock, &until);
    pthread_mutex_unlock(&f->lock);
    return st;
}

void feed_return(struct feed *f, struct parcel *p)
{
    const size_t bytes = p->raw_bytes;

    parcel_clear(p);
    pthread_mutex_lock(&f->lock);
    f->bytes -= bytes;
    f->idle[f->n_idle++] = p;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

uint32_t feed_hold(const struct feed *f)
{
    return f->n_parcels / 2;
}

uint64_t feed_total(const struct feed *f)
{
    return source_total(f->source);
}

uint64_t feed_read(const struct feed *f)
{
    return source_read(f->source);
}

uint64_t feed_files(const struct feed *f)
{
    return source_files(f->source);
}

struct parcel_times feed_times(struct feed *f)
{
    struct parcel_times t;

    pthread_mutex_lock(&f->lock);
    t = f->times;
    pthread_mutex_unlock(&f->lock);
    return t;
}

void feed_close(struct feed *f)
{
    if (!f) return;
    if (f->lock_made && f->changed_made) {
        pthread_mutex_lock(&f->lock);
        f->stop = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
    }
    if (f->reader_started) pthread_join(f->reader, NULL);
    for (uint32_t i = 0; i < f->n_workers; i++)
        pthread_join(f->workers[i], NULL);
    source_close(f->source);
    if (f->changed_made) pthread_cond_destroy(&f->changed);
    if (f->lock_made) pthread_mutex_destroy(&f->lock);
    for (uint32_t i = 0; f->all && i < f->n_parcels; i++)
        parcel_free(f->all[i]);
    mem_free(f->all);
    mem_free(f->ring);
    mem_free(f->done);
    mem_free(f->idle);
    mem_free(f->workers);
    mem_free(f);
}
