/* near.h -- erf() and exp() in plain arithmetic, on vectors of any width: PoCL calls a
 * library's scalar for each lane (a gelu of 1,536 columns cost 9 us a piece, now 1). Device
 * only; for each type F of n floats:
 *   F near_erf_F(F x)       within 4e-7 of erf(x)
 *   F near_exp_F(F x)       x <= 0, within 3e-7 of exp(x) relatively; 0 below -87
 *   F near_gelu_F(F x)      x * Phi(x), within 1e-6
 * The rational was fitted to erf(x) on [-4, 4] by weighted least squares (2e-8 before
 * rounding), the polynomial to exp(x) on half an octave either side of 0 (6e-9). */
#ifndef NEAR_H
#define NEAR_H

#define NEAR_DEFINE(F, I, TO_INT)                                                      \
    F near_erf_##F(F x)                                                                \
    {                                                                                  \
        const F v = clamp(x, -4.0f, 4.0f), u = v * v;                                  \
        F p = 1.974829538e-06f, q = 3.748090453e-05f;                                  \
        p = fma(p, u, (F)(2.880423017e-04f)), q = fma(q, u, (F)(1.216366555e-03f));    \
        p = fma(p, u, (F)(4.003670413e-03f)), q = fma(q, u, (F)(1.544446940e-02f));    \
        p = fma(p, u, (F)(5.346755147e-02f)), q = fma(q, u, (F)(1.164766486e-01f));    \
        p = fma(p, u, (F)(1.962495063e-01f)), q = fma(q, u, (F)(5.072527551e-01f));    \
        p = fma(p, u, (F)(1.128378976e+00f)), q = fma(q, u, (F)(1.0f));                \
        return v * p / q;                                                              \
    }                                                                                  \
    F near_exp_##F(F x)                                                                \
    {                                                                                  \
        const F v = fmax(x, (F)(-87.0f)); /* also what is no number */                 \
        const F n = rint(v * 1.44269504f);                                             \
        const F r = fma(n, (F)(1.904654e-09f), fma(n, (F)(-6.931471825e-01f), v));     \
        F p = 1.394465930e-03f;                                                        \
        p = fma(p, r, (F)(8.371952750e-03f));                                          \
        p = fma(p, r, (F)(4.166627953e-02f));                                          \
        p = fma(p, r, (F)(1.666645543e-01f));                                          \
        p = fma(p, r, (F)(5.000000085e-01f));                                          \
        p = fma(p, r, (F)(1.0f));                                                      \
        p = fma(p, r, (F)(1.0f));                                                      \
        p = as_##F(as_##I(p) + (TO_INT(n) << 23));                                     \
        return x < -87.0f ? (F)(0.0f) : p;                                             \
    }                                                                                  \
    F near_gelu_##F(F x)                                                               \
    {                                                                                  \
        return x * 0.5f * (1.0f + near_erf_##F(x * 0.70710678f));                      \
    }

NEAR_DEFINE(float, int, convert_int)
NEAR_DEFINE(float4, int4, convert_int4)
NEAR_DEFINE(float8, int8, convert_int8)
NEAR_DEFINE(float16, int16, convert_int16)

#endif
