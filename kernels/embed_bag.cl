/* embed_bag.cl -- one vector for each sentence from the table rows its ids name.
 *   ids    [n_ids]           row numbers, all sentences end to end
 *   spans  [n_spans]         where each sentence's ids begin, and how many
 *   table  [rows][DIM]       ROW_BYTES: int8, to be scaled by the caller; else float
 *   out    [n_spans][width]  this pool's DIM columns begin at `column`; zeros when empty
 * Launch: global (n_spans) for mean and max, (n_queries, n_spans) for attention; any local
 *         size. One work-item walks one sentence from left to right, so its result depends
 *         on nothing else in the batch.
 * DIM is a multiple of 16. Local memory: none.
 * Twins: embed_bag_mean_cpu(), embed_bag_max_cpu(), embed_bag_attention_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

#define VECTORS (DIM / 16)
#ifdef ROW_BYTES
typedef char row_t;
typedef char16 row16_t;
#define LARGER(a, b)        max(a, b)
#define LOAD(table, row, v) convert_float16(vload16((size_t)(row)*VECTORS + (v), table))
#define LOAD8(table, row, v)                                                           \
    convert_float8(vload8((size_t)(row)*2 * VECTORS + (v), table))
#else
typedef float row_t;
typedef float16 row16_t;
#define LARGER(a, b)         fmax(a, b)
#define LOAD(table, row, v)  vload16((size_t)(row)*VECTORS + (v), table)
#define LOAD8(table, row, v) vload8((size_t)(row)*2 * VECTORS + (v), table)
#endif

/* A fixed tree, the same on every device. */
float sum16(float16 x)
{
    const float8 a = x.lo + x.hi;
    const float4 b = a.lo + a.hi;
    const float2 c = b.lo + b.hi;
    return c.lo + c.hi;
}

kernel void embed_bag_mean(global const uint *ids,
                           global const struct shared_span *spans,
                           global const row_t *table, uint n_spans, uint width,
                           uint column, global float *out)
{
    const uint s = get_global_id(0);
    if (s >= n_spans) return;
    const struct shared_span span = spans[s];
    const float share = span.count ? 1.0f / (float)span.count : 0.0f;

    for (int v = 0; v < VECTORS; v++) {
        float16 sum = 0.0f; /* one name, no array: it stays in registers */
        for (uint i = span.begin; i < span.begin + span.count; i++)
            sum += LOAD(table, ids[i], v);
        vstore16(sum * share, 0, out + (size_t)s * width + column + 16 * v);
    }
}

/* argmax [n_spans][DIM]: the position (index into ids) that holds the maximum, the first of
 * equals; written when keep is not 0, for training. */
kernel void embed_bag_max(global const uint *ids,
                          global const struct shared_span *spans,
                          global const row_t *table, uint n_spans, uint width,
                          uint column, global float *out, uint keep,
                          global uint *argmax)
{
    const uint s = get_global_id(0);
    if (s >= n_spans) return;
    const struct shared_span span = spans[s];

    for (int v = 0; v < VECTORS; v++) {
        row16_t most = 0;
        int16 where = (int16)((int)span.begin);
        if (span.count) most = vload16((size_t)ids[span.begin] * VECTORS + v, table);
        for (uint i = span.begin + 1; i < span.begin + span.count; i++) {
            const row16_t x = vload16((size_t)ids[i] * VECTORS + v, table);
            if (keep)
                where = select(where, (int16)((int)i),
                               isgreater(convert_float16(x), convert_float16(most)));
            most = LARGER(most, x);
        }
        vstore16(convert_float16(most), 0, out + (size_t)s * width + column + 16 * v);
        if (keep) vstore16(as_uint16(where), 0, argmax + (size_t)s * DIM + 16 * v);
    }
}

/* Softmax over the sentence's pieces of (row . query), then the weighted sum of rows.
 *   queries [n_queries][DIM]; query k fills the DIM columns from column + k * DIM on.
 *   alpha   [n_ids][n_queries] the weights; written when keep is not 0, for training.
 * One walk: the sum is rescaled whenever a greater score comes, so exp() never overflows
 * (Milakov and Gimelshein 2018, arXiv:1805.02867). */
kernel void embed_bag_attention(global const uint *ids,
                                global const struct shared_span *spans,
                                global const row_t *table, global const float *queries,
                                uint n_queries, uint n_spans, uint width, uint column,
                                global float *out, uint keep, global float *alpha)
{
    const uint k = get_global_id(0);
    const uint s = get_global_id(1);
    if (k >= n_queries || s >= n_spans) return;
    const struct shared_span span = spans[s];
    float16 query[VECTORS], sum[VECTORS];
    float most = -INFINITY, total = 0.0f;

    for (int v = 0; v < VECTORS; v++) {
        query[v] = vload16((size_t)k * VECTORS + v, queries);
        sum[v] = 0.0f;
    }
    for (uint i = span.begin; i < span.begin + span.count; i++) {
        float16 dots = 0.0f;
        for (int v = 0; v < VECTORS; v++)
            dots = fma(LOAD(table, ids[i], v), query[v], dots);
        const float score = sum16(dots);
        if (score > most) { /* what was summed before weighs less by this much */
            const float shrink =
                exp(most - score); /* exp(-inf) is 0 at the first piece */
            total *= shrink;
            for (int v = 0; v < VECTORS; v++)
                sum[v] *= shrink;
            most = score;
        }
        const float weight = exp(score - most);
        total += weight;
        for (int v = 0; v < VECTORS; v++)
            sum[v] = fma(LOAD(table, ids[i], v), (float16)(weight), sum[v]);
        if (keep) alpha[(size_t)i * n_queries + k] = score;
    }
    const float share = span.count ? 1.0f / total : 0.0f;
    for (int v = 0; v < VECTORS; v++)
        vstore16(sum[v] * share, 0,
                 out + (size_t)s * width + column + (size_t)k * DIM + 16 * v);
    if (keep)
        for (uint i = span.begin; i < span.begin + span.count; i++) {
            global float *a = alpha + (size_t)i * n_queries + k;
            *a = exp(*a - most) * share;
        }
}

/* out [n_rows][n_queries]: row . query. Attention weighs a piece by its own row alone, so a
 * finished model knows every piece's score before the first sentence comes.
 * Launch: global (n_queries, n_rows). Twin: embed_bag_scores_cpu(). */
kernel void embed_bag_scores(global const row_t *table, global const float *queries,
                             uint n_rows, uint n_queries, global float *out)
{
    const uint k = get_global_id(0);
    const uint r = get_global_id(1);
    if (k >= n_queries || r >= n_rows) return;
    float16 dots = 0.0f;

    for (int v = 0; v < VECTORS; v++)
        dots = fma(LOAD(table, r, v), vload16((size_t)k * VECTORS + v, queries), dots);
    out[(size_t)r * n_queries + k] = sum16(dots);
}

#ifdef QUERIES
/* X(0) X(1) ... X(QUERIES - 1): sums with names of their own, since compilers keep arrays in
 * memory even where every index is known. */
#define UP_TO_1(X) X(0)
#define UP_TO_2(X) UP_TO_1(X) X(1)
#define UP_TO_3(X) UP_TO_2(X) X(2)
#define UP_TO_4(X) UP_TO_3(X) X(3)
#define UP_TO_5(X) UP_TO_4(X) X(4)
#define UP_TO_6(X) UP_TO_5(X) X(5)
#define UP_TO_7(X) UP_TO_6(X) X(6)
#define UP_TO_8(X) UP_TO_7(X) X(7)
#define UP_TO_(n)  UP_TO_##n
#define UP_TO(n)   UP_TO_(n)
#define EACH       UP_TO(QUERIES)

#define TOTAL_BEGIN(k) float total##k = 0.0f;
#define TOTAL_ADD(k)   total##k += weight[k];
#define SUM_BEGIN(k)   float8 sum##k = 0.0f;
#define SUM_ADD(k)     sum##k = fma(row, (float8)(weight[k]), sum##k);
#define SUM_STORE(k)                                                                   \
    vstore8(span.count ? sum##k / total##k : (float8)(0.0f), 0, to + k * DIM + 8 * v);

/* embed_bag_attention for a finished model: weights [rows][QUERIES] holds exp(score - the
 * greatest score of that query), so neither dot products nor exp() are left to do. Eight
 * columns at a time, so that the sums of all queries stay in registers.
 * Launch: global (n_spans). Twin: embed_bag_attention_cpu(). */
kernel void embed_bag_weighted(global const uint *ids,
                               global const struct shared_span *spans,
                               global const row_t *table, global const float *weights,
                               uint n_spans, uint width, uint column, global float *out)
{
    const uint s = get_global_id(0);
    if (s >= n_spans) return;
    const struct shared_span span = spans[s];
    global float *to = out + (size_t)s * width + column;

    EACH(TOTAL_BEGIN)
    for (uint i = span.begin; i < span.begin + span.count; i++) {
        global const float *weight = weights + (size_t)ids[i] * QUERIES;
        EACH(TOTAL_ADD)
    }
    for (int v = 0; v < 2 * VECTORS; v++) {
        EACH(SUM_BEGIN)
        for (uint i = span.begin; i < span.begin + span.count; i++) {
            const float8 row = LOAD8(table, ids[i], v);
            global const float *weight = weights + (size_t)ids[i] * QUERIES;
            EACH(SUM_ADD)
        }
        EACH(SUM_STORE)
    }
}
#endif
