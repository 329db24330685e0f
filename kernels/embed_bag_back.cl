/* embed_bag_back.cl -- embed_bag.cl in reverse, without atomics: every gradient is summed by
 * one work-item in a fixed order, so training gives the same bytes each time.
 *   d_out  [n_spans][width]   gradient of the pools
 *   alpha, argmax             kept by the forward kernels
 * Twins: embed_bag_scores_back_cpu(), embed_bag_query_back_cpu(), embed_bag_rows_back_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

/* d_score [n_ids][n_queries]: alpha * (row . d - pooled . d), d the query's part of d_out.
 * Launch: global (n_queries, n_spans). */
kernel void embed_bag_scores_back(global const uint *ids,
                                  global const struct shared_span *spans,
                                  global const float *table, global const float *alpha,
                                  global const float *pooled, global const float *d_out,
                                  uint n_queries, uint n_spans, uint width, uint column,
                                  global float *d_score)
{
    const uint k = get_global_id(0);
    const uint s = get_global_id(1);
    if (k >= n_queries || s >= n_spans) return;
    const struct shared_span span = spans[s];
    const size_t at = (size_t)s * width + column + (size_t)k * DIM;
    float base = 0.0f;

    for (uint d = 0; d < DIM; d++)
        base = fma(pooled[at + d], d_out[at + d], base);
    for (uint i = span.begin; i < span.begin + span.count; i++) {
        float dot = 0.0f;
        for (uint d = 0; d < DIM; d++)
            dot = fma(table[(size_t)ids[i] * DIM + d], d_out[at + d], dot);
        d_score[(size_t)i * n_queries + k] =
            alpha[(size_t)i * n_queries + k] * (dot - base);
    }
}

/* d_queries [n_queries][DIM]: the sum over all ids of d_score * row.
 * Launch: global (DIM, n_queries). */
kernel void embed_bag_query_back(global const uint *ids, global const float *table,
                                 global const float *d_score, uint n_ids,
                                 uint n_queries, global float *d_queries)
{
    const uint d = get_global_id(0);
    const uint k = get_global_id(1);
    if (d >= DIM || k >= n_queries) return;
    float sum = 0.0f;

    for (uint i = 0; i < n_ids; i++)
        sum = fma(d_score[(size_t)i * n_queries + k], table[(size_t)ids[i] * DIM + d],
                  sum);
    d_queries[(size_t)k * DIM + d] = sum;
}

/* d_rows [n_rows][DIM]: the gradient of each touched row, summed over its occurrences.
 *   rows [n_rows], positions: each row's places in ids;  owner [n_ids]: a place's sentence
 *   mean_column, max_column, attention_column: where those pools lie in d_out, or NO_POOL
 * Launch: global (DIM, n_rows). */
#define NO_POOL 0xFFFFFFFFu
kernel void embed_bag_rows_back(global const struct shared_row *rows,
                                global const uint *positions, global const uint *owner,
                                global const struct shared_span *spans,
                                global const float *queries, global const float *alpha,
                                global const float *d_score, global const uint *argmax,
                                global const float *d_out, uint n_rows, uint n_queries,
                                uint width, uint mean_column, uint max_column,
                                uint attention_column, global float *d_rows)
{
    const uint d = get_global_id(0);
    const uint u = get_global_id(1);
    if (d >= DIM || u >= n_rows) return;
    const struct shared_row row = rows[u];
    float sum = 0.0f;

    for (uint j = row.begin; j < row.begin + row.count; j++) {
        const uint i = positions[j];
        const uint s = owner[i];
        global const float *g = d_out + (size_t)s * width;
        if (mean_column != NO_POOL) sum += g[mean_column + d] / (float)spans[s].count;
        if (max_column != NO_POOL && argmax[(size_t)s * DIM + d] == i)
            sum += g[max_column + d];
        if (attention_column != NO_POOL)
            for (uint k = 0; k < n_queries; k++) {
                const size_t a = (size_t)i * n_queries + k;
                sum = fma(alpha[a], g[attention_column + k * DIM + d], sum);
                sum = fma(d_score[a], queries[k * DIM + d], sum);
            }
    }
    d_rows[(size_t)u * DIM + d] = sum;
}
