/* cross_entropy.cl -- weighted loss of each row and the gradient of its logits.
 *   logits [n][SHARED_CLASSES]   labels [n]   weights [SHARED_CLASSES]
 *   loss [n]   d_logits [n][SHARED_CLASSES], both already divided by `total`
 *   smoothing: this share of the target is spread evenly over the classes
 * Launch: global (n); any local size. Twin: cross_entropy_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void cross_entropy(global const float *logits, global const uint *labels,
                          global const float *weights, uint n, float smoothing,
                          float total, global float *loss, global float *d_logits)
{
    const uint s = get_global_id(0);
    if (s >= n) return;
    const float4 x = vload4(s, logits);
    const float most = fmax(fmax(x.s0, x.s1), fmax(x.s2, x.s3));
    const float4 e = exp(x - most);
    const float sum = (e.s0 + e.s1) + (e.s2 + e.s3);
    const float scale = weights[labels[s]] / total;
    float target[SHARED_CLASSES], p[SHARED_CLASSES], cost = 0.0f;

    vstore4(e / sum, 0, p);
    for (uint c = 0; c < SHARED_CLASSES; c++) {
        target[c] =
            smoothing / SHARED_CLASSES + (c == labels[s] ? 1.0f - smoothing : 0.0f);
        cost -= target[c] * (logits[SHARED_CLASSES * s + c] - most - log(sum));
        d_logits[SHARED_CLASSES * s + c] = scale * (p[c] - target[c]);
    }
    loss[s] = scale * cost;
}
