/* linear_panel.cl -- out = x w' + bias for the encoder's wide layers, without barriers.
 *   x     [n][n_in]
 *   w     [n_out / PANEL][n_in][PANEL]   the weights in panels, so that one load brings what
 *                                        PANEL outputs want of one input
 *   bias  [n_out]
 *   out   [n][n_out]
 * A work-item keeps PANEL_ROWS rows by a panel in registers; n_out must be a multiple of
 * PANEL, two vectors. Rows never mix: a row gets the same bits wherever it stands.
 * then_gelu: gelu() of every output, see gelu.cl.
 * Launch: global (n / PANEL_ROWS rounded up, n_out / PANEL); groups along the rows, so that a
 * panel stays in the cache. Local memory: none. Twin: linear_cpu() on the unpacked weights. */
#pragma OPENCL FP_CONTRACT OFF

/* Both from the host (ops_open): what fits the registers. 8 floats and 6 rows with 16
 * registers (AVX2), 16 floats and 12 rows with 32 (AVX-512). */
#ifndef PANEL_VECTOR
#define PANEL_VECTOR 8 /* floats: 4, 8 or 16 */
#endif
#ifndef PANEL_ROWS
#define PANEL_ROWS 6 /* 4, 6, 8 or 12 */
#endif
#define PANEL (2 * PANEL_VECTOR)

#define GLUE_(a, b)  a##b
#define GLUE(a, b)   GLUE_(a, b)
#define PANEL_FLOATS GLUE(float, PANEL_VECTOR)
#define PANEL_LOAD   GLUE(vload, PANEL_VECTOR)
#define PANEL_STORE  GLUE(vstore, PANEL_VECTOR)

#define ROWS_4(DO)  DO(0) DO(1) DO(2) DO(3)
#define ROWS_6(DO)  ROWS_4(DO) DO(4) DO(5)
#define ROWS_8(DO)  ROWS_6(DO) DO(6) DO(7)
#define ROWS_12(DO) ROWS_8(DO) DO(8) DO(9) DO(10) DO(11)
#define EACH_ROW    GLUE(ROWS_, PANEL_ROWS)

#define PANEL_GELU GLUE(near_gelu_, PANEL_FLOATS)

void panel_store(global float *out, PANEL_FLOATS a, PANEL_FLOATS b, uint then_gelu)
{
    PANEL_STORE(then_gelu ? PANEL_GELU(a) : a, 0, out);
    PANEL_STORE(then_gelu ? PANEL_GELU(b) : b, 1, out);
}

kernel void linear_panel(global const float *x, global const float *w,
                         global const float *bias, uint n, uint n_in, uint n_out,
                         uint then_gelu, global float *out)
{
    const uint row = PANEL_ROWS * get_global_id(0);
    const uint panel = get_global_id(1);
    if (row >= n || panel * PANEL >= n_out) return;
    global const float *from = w + (size_t)panel * PANEL * n_in;
    global float *to = out + (size_t)row * n_out + panel * PANEL;
    const PANEL_FLOATS a = PANEL_LOAD(0, bias + panel * PANEL);
    const PANEL_FLOATS b = PANEL_LOAD(1, bias + panel * PANEL);
    /* Named: arrays would not stay in registers on PoCL. A row that is not there is the last
     * one, and is not stored. */
#define BEGIN(r)                                                                       \
    global const float *x##r = x + (size_t)min(row + r, n - 1) * n_in;                 \
    PANEL_FLOATS a##r = a, b##r = b;
    EACH_ROW(BEGIN)

    for (uint i = 0; i < n_in; i++) {
        const PANEL_FLOATS p = PANEL_LOAD(0, from), q = PANEL_LOAD(1, from);
        from += PANEL;
#define STEP(r)                                                                        \
    {                                                                                  \
        const PANEL_FLOATS v = x##r[i];                                                \
        a##r = fma(v, p, a##r);                                                        \
        b##r = fma(v, q, b##r);                                                        \
    }
        EACH_ROW(STEP)
    }
#define END(r)                                                                         \
    if (row + r < n) panel_store(to + r * (size_t)n_out, a##r, b##r, then_gelu);
    EACH_ROW(END)
}
