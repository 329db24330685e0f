/* span_mean.cl -- the mean of a sentence's rows.
 *   x      [n][DIM]        one row a piece, all sentences end to end
 *   spans  [n_spans]       where each sentence's rows begin, and how many; 0 gives zeros
 *   out    [n_spans][DIM]
 * Launch: global (DIM / 16, n_spans); any local size. Twin: span_mean_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void span_mean(global const float *x, global const struct shared_span *spans,
                      uint n_spans, global float *out)
{
    const uint column = get_global_id(0);
    const uint s = get_global_id(1);
    if (column >= DIM / 16 || s >= n_spans) return;
    const struct shared_span span = spans[s];
    float16 sum = 0.0f;

    for (uint i = 0; i < span.count; i++)
        sum += vload16((size_t)(span.begin + i) * (DIM / 16) + column, x);
    vstore16(span.count ? sum / (float)span.count : sum,
             (size_t)s * (DIM / 16) + column, out);
}
