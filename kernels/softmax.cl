/* softmax.cl -- class scores -> probabilities.
 *   logits [n][SHARED_CLASSES]   out [n][SHARED_CLASSES], rows sum to 1
 *   sharpness  1 / temperature (Guo et al. 2017, arXiv:1706.04599)
 * Launch: global (n); any local size. Twin: softmax_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void softmax(global const float *logits, uint n, float sharpness,
                    global float *out)
{
    const uint s = get_global_id(0);
    if (s >= n) return;
    const float4 x = vload4(s, logits) * sharpness;
    const float most = fmax(fmax(x.s0, x.s1), fmax(x.s2, x.s3));
    const float4 e = exp(x - most);
    vstore4(e / ((e.s0 + e.s1) + (e.s2 + e.s3)), s, out);
}
