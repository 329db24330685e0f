/* gelu.cl -- x * Phi(x), not its tanh() likeness (Hendrycks and Gimpel 2016, arXiv:1606.08415),
 * and back; erf() forward is near.h's.
 *   x [n]   out [n]   d_out [n]   d_x [n]
 * Launch: global (n); any local size. Twins: gelu_cpu(), gelu_back_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

#define ROOT_HALF   0.70710678f /* 1 / sqrt(2) */
#define ROOT_TWO_PI 0.39894228f /* 1 / sqrt(2 pi) */

kernel void gelu(global const float *x, uint n, global float *out)
{
    const uint i = get_global_id(0);
    if (i >= n) return;
    out[i] = near_gelu_float(x[i]);
}

/* n must be a multiple of 16: sixteen at a time. Launch: global (n / 16). */
kernel void gelu_wide(global const float *x, uint n, global float *out)
{
    const uint i = get_global_id(0);
    if (16 * i >= n) return;
    vstore16(near_gelu_float16(vload16(i, x)), i, out);
}

kernel void gelu_back(global const float *x, global const float *d_out, uint n,
                      global float *d_x)
{
    const uint i = get_global_id(0);
    if (i >= n) return;
    const float phi = 0.5f * (1.0f + erf(x[i] * ROOT_HALF));
    const float slope = ROOT_TWO_PI * exp(-0.5f * x[i] * x[i]);
    d_x[i] = d_out[i] * fma(x[i], slope, phi);
}
