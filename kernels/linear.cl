/* linear.cl -- out = x w' + bias, and its three gradients.
 *   x [n][n_in]   w [n_out][n_in]   bias [n_out]   out [n][n_out]
 * linear        any shape; the one to read
 * linear_wide   the same sums sixteen at a time; n_in must be a multiple of 16
 * Launch: global (n_out, n); any local size. Local memory: none.
 * Twins: linear_cpu(), linear_back_input_cpu(), linear_back_weight_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void linear(global const float *x, global const float *w,
                   global const float *bias, uint n, uint n_in, uint n_out,
                   global float *out)
{
    const uint o = get_global_id(0);
    const uint b = get_global_id(1);
    if (o >= n_out || b >= n) return;
    float sum = bias[o];

    for (uint i = 0; i < n_in; i++)
        sum = fma(x[(size_t)b * n_in + i], w[(size_t)o * n_in + i], sum);
    out[(size_t)b * n_out + o] = sum;
}

kernel void linear_wide(global const float *x, global const float *w,
                        global const float *bias, uint n, uint n_in, uint n_out,
                        global float *out)
{
    const uint o = get_global_id(0);
    const uint b = get_global_id(1);
    if (o >= n_out || b >= n) return;
    float16 sums = 0.0f;

    for (uint i = 0; i < n_in / 16; i++)
        sums = fma(vload16(i, x + (size_t)b * n_in), vload16(i, w + (size_t)o * n_in),
                   sums);
    const float8 a = sums.lo + sums.hi;
    const float4 c = a.lo + a.hi;
    const float2 e = c.lo + c.hi;
    out[(size_t)b * n_out + o] = bias[o] + (e.lo + e.hi);
}

/* d_x [n][n_in] = d_out w. Launch: global (n_in, n). */
kernel void linear_back_input(global const float *d_out, global const float *w, uint n,
                              uint n_in, uint n_out, global float *d_x)
{
    const uint i = get_global_id(0);
    const uint b = get_global_id(1);
    if (i >= n_in || b >= n) return;
    float sum = 0.0f;

    for (uint o = 0; o < n_out; o++)
        sum = fma(d_out[(size_t)b * n_out + o], w[(size_t)o * n_in + i], sum);
    d_x[(size_t)b * n_in + i] = sum;
}

/* d_w [n_out][n_in] = d_out' x, and d_bias [n_out] from column n_in.
 * Launch: global (n_in + 1, n_out). */
kernel void linear_back_weight(global const float *d_out, global const float *x, uint n,
                               uint n_in, uint n_out, global float *d_w,
                               global float *d_bias)
{
    const uint i = get_global_id(0);
    const uint o = get_global_id(1);
    if (i > n_in || o >= n_out) return;
    float sum = 0.0f;

    for (uint b = 0; b < n; b++)
        sum = fma(d_out[(size_t)b * n_out + o],
                  i < n_in ? x[(size_t)b * n_in + i] : 1.0f, sum);
    if (i < n_in)
        d_w[(size_t)o * n_in + i] = sum;
    else
        d_bias[o] = sum;
}
