/* attention.cl -- scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762) over
 * packed sentences: no padding, nobody sees another sentence.
 *   qkv     [n][3 DIM]     queries, keys, values of a piece side by side
 *   turned  [DIM][stride]  the keys once more, columns first, so that 16 neighbours are one
 *                          load; stride is at least n + 15
 *   blocks  [n_blocks]     up to SHARED_QUERIES pieces of a sentence, and the sentence
 *   out     [n][DIM]
 * keys_turn        Launch: global (n, DIM / 16).
 * attention        softmax on the way, 16 keys at a time (Milakov and Gimelshein 2018,
 *                  arXiv:1805.02867), one head of a block a work-item. The sixteens count from
 *                  the sentence's beginning, so that it gets the same bits wherever it lies.
 *                  Launch: global (DIM / 32, n_blocks). Heads are 32 wide.
 * attention_block  the same, a block's four queries side by side, for CPUs: each key and value
 *                  is loaded once for all, and four chains of sums hide each other's waiting.
 * Any local size, no local memory. Twin: attention_cpu(). */
#pragma OPENCL FP_CONTRACT OFF

kernel void keys_turn(global const float *qkv, uint n, uint stride,
                      global float *turned)
{
    const uint t = get_global_id(0);
    const uint column = get_global_id(1);
    if (t >= n || column >= DIM / 16) return;
    const float16 v = vload16((size_t)t * (3 * DIM / 16) + DIM / 16 + column, qkv);
    global float *to = turned + (size_t)column * 16 * stride + t;

    to[0] = v.s0, to += stride, to[0] = v.s1, to += stride;
    to[0] = v.s2, to += stride, to[0] = v.s3, to += stride;
    to[0] = v.s4, to += stride, to[0] = v.s5, to += stride;
    to[0] = v.s6, to += stride, to[0] = v.s7, to += stride;
    to[0] = v.s8, to += stride, to[0] = v.s9, to += stride;
    to[0] = v.sa, to += stride, to[0] = v.sb, to += stride;
    to[0] = v.sc, to += stride, to[0] = v.sd, to += stride;
    to[0] = v.se, to += stride, to[0] = v.sf;
}

float attention_max(float16 x)
{
    const float8 a = fmax(x.lo, x.hi);
    const float4 b = fmax(a.lo, a.hi);
    const float2 c = fmax(b.lo, b.hi);
    return fmax(c.lo, c.hi);
}

float attention_sum(float16 x)
{
    const float8 a = x.lo + x.hi;
    const float4 b = a.lo + a.hi;
    const float2 c = b.lo + b.hi;
    return c.lo + c.hi;
}

/* One query against all keys of its sentence. The last sixteen may reach beyond it: their
 * scores are cut off, and their values are those of the last piece, times 0. */
void attention_query(global const float *query, global const float *keys, uint stride,
                     global const float *values, uint count, global float *to)
{
    float16 low = 0.0f, high = 0.0f; /* the values' sums */
    float most = -INFINITY, total = 0.0f;

    for (uint first = 0; first < count; first += 16) {
        float16 s = 0.0f;
        float p[16];
        for (uint d = 0; d < 32; d++)
            s = fma((float16)query[d], vload16(0, keys + (size_t)d * stride + first),
                    s);
        s *= 0.17677670f; /* 1 / sqrt(32) */
        if (first + 16 > count) {
            const int16 lane =
                (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            s = select((float16)(-INFINITY), s, lane < (int16)(int)(count - first));
        }
        const float more = fmax(most, attention_max(s));
        const float keep = near_exp_float(most - more); /* 0 the first time */
        s = near_exp_float16(s - more);
        most = more;
        total = fma(total, keep, attention_sum(s));
        low *= keep;
        high *= keep;
        vstore16(s, 0, p);
        for (uint j = 0; j < 16; j++) {
            global const float *v =
                values + (size_t)min(first + j, count - 1) * (3 * DIM);
            low = fma((float16)p[j], vload16(0, v), low);
            high = fma((float16)p[j], vload16(1, v), high);
        }
    }
    vstore16(low / total, 0, to);
    vstore16(high / total, 1, to);
}

kernel void attention(global const float *qkv, global const float *turned, uint stride,
                      global const struct shared_block *blocks, uint n_blocks,
                      global float *out)
{
    const uint head = get_global_id(0);
    const uint b = get_global_id(1);
    if (head >= DIM / 32 || b >= n_blocks) return;
    const struct shared_block block = blocks[b];
    global const float *values =
        qkv + (size_t)block.begin * (3 * DIM) + 2 * DIM + 32 * head;

    for (uint i = 0; i < block.queries; i++) {
        const size_t t = block.first + i;
        attention_query(qkv + t * (3 * DIM) + 32 * head,
                        turned + (size_t)(32 * head) * stride + block.begin, stride,
                        values, block.count, out + t * DIM + 32 * head);
    }
}

#define EACH_QUERY(DO) DO(0) DO(1) DO(2) DO(3)

kernel void attention_block(global const float *qkv, global const float *turned,
                            uint stride, global const struct shared_block *blocks,
                            uint n_blocks, global float *out)
{
    const uint head = get_global_id(0);
    const uint b = get_global_id(1);
    if (head >= DIM / 32 || b >= n_blocks) return;
    const struct shared_block block = blocks[b];
    const uint last = block.queries - 1; /* a query that is not there is the last one */
    global const float *keys = turned + (size_t)(32 * head) * stride + block.begin;
    global const float *values =
        qkv + (size_t)block.begin * (3 * DIM) + 2 * DIM + 32 * head;
    float p[SHARED_QUERIES][16];
#define BEGIN_QUERY(i)                                                                 \
    global const float *q##i =                                                         \
        qkv + (size_t)(block.first + min((uint)i, last)) * (3 * DIM) + 32 * head;      \
    float16 low##i = 0.0f, high##i = 0.0f;                                             \
    float most##i = -INFINITY, total##i = 0.0f;
    EACH_QUERY(BEGIN_QUERY)

    for (uint first = 0; first < block.count; first += 16) {
        const uint n = min(block.count - first, 16u);
        float16 s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
        for (uint d = 0; d < 32; d++) {
            const float16 k = vload16(0, keys + (size_t)d * stride + first);
#define SCORE(i) s##i = fma((float16)q##i[d], k, s##i);
            EACH_QUERY(SCORE)
        }
        const int16 lane =
            (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const int16 there = lane < (int16)(int)n;
#define WEIGH(i)                                                                       \
    {                                                                                  \
        const float16 s = select((float16)(-INFINITY), s##i * 0.17677670f, there);     \
        const float more = fmax(most##i, attention_max(s));                            \
        const float keep = near_exp_float(most##i - more);                             \
        const float16 e = near_exp_float16(s - more);                                  \
        most##i = more;                                                                \
        total##i = fma(total##i, keep, attention_sum(e));                              \
        low##i *= keep;                                                                \
        high##i *= keep;                                                               \
        vstore16(e, 0, p[i]);                                                          \
    }
        EACH_QUERY(WEIGH)
        global const float *v = values + (size_t)first * (3 * DIM);
        for (uint j = 0; j < n; j++) {
            const float16 x = vload16(0, v + (size_t)j * (3 * DIM));
#define ADD_LOW(i) low##i = fma((float16)p[i][j], x, low##i);
            EACH_QUERY(ADD_LOW)
        }
        for (uint j = 0; j < n; j++) {
            const float16 x = vload16(1, v + (size_t)j * (3 * DIM));
#define ADD_HIGH(i) high##i = fma((float16)p[i][j], x, high##i);
            EACH_QUERY(ADD_HIGH)
        }
    }
#define END_QUERY(i)                                                                   \
    if (i <= last) {                                                                   \
        global float *to = out + (size_t)(block.first + i) * DIM + 32 * head;          \
        vstore16(low##i / total##i, 0, to);                                            \
        vstore16(high##i / total##i, 1, to);                                           \
    }
    EACH_QUERY(END_QUERY)
}
