/* layer_norm.cl -- rows to mean 0 and variance 1, then scaled and moved (Ba et al. 2016,
 * arXiv:1607.06450), the residual added before.
 *   x, add, out  [n][DIM]   out may be x or add; without with_add, add is not read
 *   weight, bias [DIM]
 *   epsilon      added to the variance
 * layer_norm        a row a work-item.  Launch: global (n); any local size.
 * layer_norm_group  a row a group of 32, for GPUs: neighbours read neighbours. Barriers.
 *                   Launch: global (32 n), local (32). Local memory: 32 floats.
 * Twin: layer_norm_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

float norm_sum(float16 x)
{
    const float8 a = x.lo + x.hi;
    const float4 b = a.lo + a.hi;
    const float2 c = b.lo + b.hi;
    return c.lo + c.hi;
}

float16 norm_load(global const float *x, global const float *add, uint with_add,
                  size_t at)
{
    const float16 v = vload16(at, x);
    return with_add ? v + vload16(at, add) : v;
}

kernel void layer_norm(global const float *x, global const float *add, uint with_add,
                       global const float *weight, global const float *bias, uint n,
                       float epsilon, global float *out)
{
    const uint t = get_global_id(0);
    if (t >= n) return;
    const size_t from = (size_t)t * (DIM / 16);
    float16 sum = 0.0f, square = 0.0f;

    for (uint i = 0; i < DIM / 16; i++)
        sum += norm_load(x, add, with_add, from + i);
    const float mean = norm_sum(sum) / DIM;
    for (uint i = 0; i < DIM / 16; i++) {
        const float16 v = norm_load(x, add, with_add, from + i) - mean;
        square = fma(v, v, square);
    }
    const float scale = 1.0f / sqrt(norm_sum(square) / DIM + epsilon);
    for (uint i = 0; i < DIM / 16; i++) {
        const float16 v = norm_load(x, add, with_add, from + i) - mean;
        vstore16(fma(v * scale, vload16(i, weight), vload16(i, bias)), from + i, out);
    }
}

/* The sum of what 32 items hold, the same bits for all. */
float norm_share(local float *shared, float mine)
{
    const uint i = get_local_id(0);

    barrier(CLK_LOCAL_MEM_FENCE);
    shared[i] = mine;
    for (uint half_size = 16; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < half_size) shared[i] += shared[i + half_size];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
}

kernel __attribute__((reqd_work_group_size(32, 1, 1))) void
layer_norm_group(global const float *x, global const float *add, uint with_add,
                 global const float *weight, global const float *bias, uint n,
                 float epsilon, global float *out)
{
    local float shared[32];
    const size_t from = (size_t)get_group_id(0) * DIM;
    const uint begin = get_local_id(0);
    float sum = 0.0f, square = 0.0f;

    for (uint i = begin; i < DIM; i += 32)
        sum += x[from + i] + (with_add ? add[from + i] : 0.0f);
    const float mean = norm_share(shared, sum) / DIM;
    for (uint i = begin; i < DIM; i += 32) {
        const float v = x[from + i] + (with_add ? add[from + i] : 0.0f) - mean;
        square = fma(v, v, square);
    }
    const float scale = 1.0f / sqrt(norm_share(shared, square) / DIM + epsilon);
    for (uint i = begin; i < DIM; i += 32) {
        const float v = x[from + i] + (with_add ? add[from + i] : 0.0f) - mean;
        out[from + i] = fma(v * scale, weight[i], bias[i]);
    }
}
