/* linear.cl -- out = x w' + bias, and its three gradients.
 *   x [n][n_in]   w [n_out][n_in]   bias [n_out]   out [n][n_out]
 * linear        any shape; the one to read
 * linear_block  the same sums in blocks; n_in must be a multiple of 8, n_out of 4
 * Launch: global (n_out, n) unless said; any local size. Local memory: none.
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

float sum8(float8 x)
{
    const float4 a = x.lo + x.hi;
    const float2 b = a.lo + a.hi;
    return b.lo + b.hi;
}

/* Four outputs of two rows at a time, so that every load serves several products.
 * Launch: global (n_out / 4, (n + 1) / 2). */
kernel void linear_block(global const float *x, global const float *w,
                         global const float *bias, uint n, uint n_in, uint n_out,
                         global float *out)
{
    const uint o = 4 * get_global_id(0);
    const uint b = 2 * get_global_id(1);
    if (o >= n_out || b >= n) return;
    const uint other = min(b + 1, n - 1); /* the last row of an odd number, twice */
    global const float *xa = x + (size_t)b * n_in, *xb = x + (size_t)other * n_in;
    global const float *w0 = w + (size_t)o * n_in, *w1 = w0 + n_in, *w2 = w1 + n_in,
                       *w3 = w2 + n_in;
    float8 a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f; /* named, so that they stay in */
    float8 b0 = 0.0f, b1 = 0.0f, b2 = 0.0f, b3 = 0.0f; /* registers on every compiler */

    for (uint i = 0; i < n_in; i += 8) {
        const float8 p = vload8(0, xa + i), q = vload8(0, xb + i);
        float8 v = vload8(0, w0 + i);
        a0 = fma(p, v, a0), b0 = fma(q, v, b0);
        v = vload8(0, w1 + i);
        a1 = fma(p, v, a1), b1 = fma(q, v, b1);
        v = vload8(0, w2 + i);
        a2 = fma(p, v, a2), b2 = fma(q, v, b2);
        v = vload8(0, w3 + i);
        a3 = fma(p, v, a3), b3 = fma(q, v, b3);
    }
    const float4 add = vload4(0, bias + o);
    vstore4(add + (float4)(sum8(a0), sum8(a1), sum8(a2), sum8(a3)), 0,
            out + (size_t)b * n_out + o);
    vstore4(add + (float4)(sum8(b0), sum8(b1), sum8(b2), sum8(b3)), 0,
            out + (size_t)other * n_out + o);
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
