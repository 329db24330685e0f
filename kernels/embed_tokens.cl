/* embed_tokens.cl -- what the encoder reads: a piece's row and its place's row, added.
 *   ids        [n]            rows of the table
 *   places     [n]            where each stands in its sentence
 *   nibbles    [V][DIM / 2]   4-bit rows in blocks of 32: byte j holds j (low) and j + 16
 *   scales     [V][DIM / 32]  half; weight = (nibble - 8) * scale
 *   positions  [P][DIM]
 *   out        [n][DIM]
 * Launch: global (DIM / 32, n); any local size. Twin: embed_tokens_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void embed_tokens(global const uint *ids, global const uint *places,
                         global const uchar *nibbles, global const half *scales,
                         global const float *positions, uint n, global float *out)
{
    const uint block = get_global_id(0);
    const uint t = get_global_id(1);
    if (block >= DIM / 32 || t >= n) return;
    const size_t at = (size_t)ids[t] * (DIM / 32) + block;
    const uchar16 both = vload16(at, nibbles);
    const float scale = vload_half(at, scales);
    const size_t to = (size_t)t * (DIM / 16) + 2 * block;
    const size_t place = (size_t)places[t] * (DIM / 16) + 2 * block;
    const float16 low = convert_float16(both & (uchar)15) - 8.0f;
    const float16 high = convert_float16(both >> (uchar)4) - 8.0f;

    vstore16(fma(low, (float16)scale, vload16(place, positions)), to, out);
    vstore16(fma(high, (float16)scale, vload16(place + 1, positions)), to + 1, out);
}
