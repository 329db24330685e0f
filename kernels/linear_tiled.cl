/* linear_tiled.cl -- out = x w' + bias for the encoder's wide layers on GPUs, through local
 * memory, weights as halfs (read as such, computed as floats: no extension is needed).
 *   x     [n][n_in]    w [n_out][n_in] half    bias [n_out]    out [n][n_out]
 * A group of TILE_ITEMS x TILE_ITEMS work-items makes a tile of TILE x TILE outputs, each item
 * TILE_EACH x TILE_EACH of them, stepping through n_in by TILE_DEPTH. Any n and n_out; n_in
 * must be a multiple of TILE_DEPTH.
 * then_gelu: gelu() of every output, see gelu.cl.
 * Launch: local (TILE_ITEMS, TILE_ITEMS), global rounded up to tiles of (n_out, n). Has
 * barriers: items outside the matrix work on zeros and store nothing.
 * Local memory: 2 * TILE * TILE_DEPTH floats. Twin: linear_cpu() on weights rounded to half. */
#pragma OPENCL FP_CONTRACT OFF

#ifndef TILE_ITEMS
#define TILE_ITEMS 16 /* edge of the work-group: 8 or 16; tune.conf picks */
#endif
#ifndef TILE_EACH
#define TILE_EACH 4 /* outputs of an item in each direction: 2, 4 or 8 */
#endif
#ifndef TILE_DEPTH
#define TILE_DEPTH 16 /* inputs at a time: 8, 16 or 32 */
#endif
#define TILE (TILE_ITEMS * TILE_EACH)

kernel __attribute__((reqd_work_group_size(TILE_ITEMS, TILE_ITEMS, 1))) void
linear_tiled(global const float *x, global const half *w, global const float *bias,
             uint n, uint n_in, uint n_out, uint then_gelu, global float *out)
{
    local float xs[TILE_DEPTH][TILE + 1],
        ws[TILE_DEPTH][TILE + 1]; /* + 1: no bank twice */
    const uint c = get_local_id(0), r = get_local_id(1), item = r * TILE_ITEMS + c;
    const uint row = get_group_id(1) * TILE, column = get_group_id(0) * TILE;
    float sum[TILE_EACH][TILE_EACH], a[TILE_EACH], b[TILE_EACH];

    for (uint i = 0; i < TILE_EACH; i++)
        for (uint j = 0; j < TILE_EACH; j++)
            sum[i][j] = 0.0f;
    for (uint from = 0; from < n_in; from += TILE_DEPTH) {
        for (uint k = item; k < TILE * TILE_DEPTH; k += TILE_ITEMS * TILE_ITEMS) {
            const uint d = k % TILE_DEPTH, t = k / TILE_DEPTH;
            xs[d][t] = row + t < n ? x[(size_t)(row + t) * n_in + from + d] : 0.0f;
            ws[d][t] = column + t < n_out
                           ? vload_half((size_t)(column + t) * n_in + from + d, w)
                           : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint d = 0; d < TILE_DEPTH; d++) {
            for (uint i = 0; i < TILE_EACH; i++) {
                a[i] = xs[d][r + i * TILE_ITEMS];
                b[i] = ws[d][c + i * TILE_ITEMS];
            }
            for (uint i = 0; i < TILE_EACH; i++)
                for (uint j = 0; j < TILE_EACH; j++)
                    sum[i][j] = fma(a[i], b[j], sum[i][j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint i = 0; i < TILE_EACH; i++)
        for (uint j = 0; j < TILE_EACH; j++) {
            const uint y = row + r + i * TILE_ITEMS, o = column + c + j * TILE_ITEMS;
            if (y >= n || o >= n_out) continue;
            const float v = sum[i][j] + bias[o];
            out[(size_t)y * n_out + o] = then_gelu ? near_gelu_float(v) : v;
        }
}
