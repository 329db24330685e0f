/* adamw.cl -- one step of Adam with decoupled decay (Loshchilov and Hutter 2019,
 * arXiv:1711.05101) toward `anchor` instead of zero: pretrained rows are pulled back to what
 * they knew, so that languages without labels keep their geometry.
 *   w, m, v, anchor  parameters, moments; d [n] gradient
 *   rate: learning rate with both bias corrections taken in by the host; decay: rate * lambda
 * adamw       d [n], one for each parameter.  Launch: global (n).
 * adamw_rows  d [n_rows][DIM] for the rows touched, w of the whole table (lazy moments).
 *             Launch: global (DIM, n_rows).
 * Twins: adamw_cpu(), adamw_rows_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

#define BETA1   0.9f
#define BETA2   0.999f
#define EPSILON 1e-8f

void step(global float *w, global float *m, global float *v, float anchor, float d,
          float rate, float decay, float root)
{
    const float m1 = BETA1 * *m + (1.0f - BETA1) * d;
    const float v1 = BETA2 * *v + (1.0f - BETA2) * d * d;
    *m = m1;
    *v = v1;
    *w -= decay * (*w - anchor) + rate * m1 / (sqrt(v1) * root + EPSILON);
}

kernel void adamw(global const float *d, uint n, float rate, float decay, float root,
                  global const float *anchor, global float *w, global float *m,
                  global float *v)
{
    const uint i = get_global_id(0);
    if (i >= n) return;
    step(w + i, m + i, v + i, anchor[i], d[i], rate, decay, root);
}

kernel void adamw_rows(global const struct shared_row *rows, global const float *d,
                       uint n_rows, float rate, float decay, float root,
                       global const float *anchor, global float *w, global float *m,
                       global float *v)
{
    const uint column = get_global_id(0);
    const uint u = get_global_id(1);
    if (column >= DIM || u >= n_rows) return;
    const size_t i = (size_t)rows[u].row * DIM + column;
    step(w + i, m + i, v + i, anchor[i], d[(size_t)u * DIM + column], rate, decay,
         root);
}
