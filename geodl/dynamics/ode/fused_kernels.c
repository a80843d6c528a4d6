/* Products of small matrices and activations on vectors: what fused.c is built from, and put before it by fused.py.
 *
 *   REAL, DOUBLE      type of every number, and whether it is double
 *   TANH, SILU        1 for this activation; ReLU where both are 0
 *
 * Rows are padded with zeros to whole vectors (PADDED).
 */
#include <stdint.h>
#include <string.h>

#if defined __AVX512F__
enum { BYTES = 64, ROWS = 6, GROUP = 4 }; /* 24 of 32 registers accumulate */
#elif defined __AVX__
enum { BYTES = 32, ROWS = 6, GROUP = 2 }; /* 12 of 16 */
#else
enum { BYTES = 16, ROWS = 6, GROUP = 2 };
#endif

typedef REAL real;
#if DOUBLE
typedef int64_t integer;
#else
typedef int32_t integer;
#endif
typedef real vec __attribute__((vector_size(BYTES), may_alias));
typedef integer ivec __attribute__((vector_size(BYTES), may_alias));

enum { LANES = BYTES / sizeof(real) };
#define PADDED(n) (((n) + LANES - 1) / LANES * LANES)
#define SMALLER(m, n) ((m) < (n) ? (m) : (n))
#define LARGER(m, n) ((m) > (n) ? (m) : (n))
#define INLINE inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* ---- products ---------------------------------------------------------------------------------------------------- */

typedef struct { real *at; long row; } Rows;
typedef struct { const real *at; long row; } Start; /* at = 0: start from zero */
typedef struct { const real *at; long row, depth; } Scalars;
typedef struct { const real *at; long depth; } Vectors;

/* out[r][c] = start[r][c] + Σ_d s[r][d] · v[d][c] for a tile of rows × width vectors that stays in registers. */
static INLINE void tile(const int rows, const int width, long depth, Rows out, Start start, Scalars s, Vectors v)
{
    vec sum[2 * ROWS][GROUP], x[GROUP];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < width; c++)
            sum[r][c] = start.at ? *(const vec *)(start.at + r * start.row + c * LANES) : (vec){0};
    for (long d = 0; d < depth; d++) {
        UNROLL for (int c = 0; c < width; c++) x[c] = *(const vec *)(v.at + d * v.depth + c * LANES);
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < width; c++) sum[r][c] += s.at[r * s.row + d * s.depth] * x[c];
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < width; c++) *(vec *)(out.at + r * out.row + c * LANES) = sum[r][c];
}

/* The same for any number of rows. One vector across takes more rows at a time, to hide the latency of a sum. */
static INLINE void band(const int width, long rows, long depth, Rows out, Start start, Scalars s, Vectors v)
{
#define TILE(height)                                                                                                   \
    for (; r + height <= rows; r += height)                                                                            \
        tile(height, width, depth, (Rows){out.at + r * out.row, out.row},                                              \
             (Start){start.at ? start.at + r * start.row : 0, start.row},                                              \
             (Scalars){s.at + r * s.row, s.row, s.depth}, v)
    const int tall = width == 1 ? 2 * ROWS : ROWS;
    long r = 0;
    TILE(tall);
    TILE(2);
    TILE(1);
#undef TILE
}

/* The same for a width given in numbers, any. */
static INLINE void product(const int width, long rows, long depth, Rows out, Start start, Scalars s, Vectors v)
{
#define BAND(vectors)                                                                                                  \
    band(vectors, rows, depth, (Rows){out.at + c, out.row}, (Start){start.at ? start.at + c : 0, start.row}, s,        \
         (Vectors){v.at + c, v.depth})
    const int vectors = PADDED(width) / LANES, whole = vectors / GROUP * GROUP * LANES;
    int c = 0;
    for (; c < whole; c += GROUP * LANES) BAND(GROUP);
    if (vectors % GROUP) BAND(vectors % GROUP);
#undef BAND
}

/* ---- activations ------------------------------------------------------------------------------------------------- */

static INLINE vec choose(ivec where, vec yes, vec no) { return (vec)((where & (ivec)yes) | (~where & (ivec)no)); }

/* exp(-x) - less for x >= 0 and less 0 or 1, to about an ulp; with less = 1 also where x is small.
   exp(-x) = 2^m exp(r), |r| <= ln2 / 2, where the Taylor series ends below half an ulp. */
static INLINE vec decay(vec x, const real less)
{
#if DOUBLE
    const real far = 700, shift = 0x1.8p52;
    const real series[] = {1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320,
                           1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2};
    enum { TERMS = 12, MANTISSA = 52, BIAS = 1023 };
#else
    const real far = 87, shift = 0x1.8p23f;
    const real series[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2};
    enum { TERMS = 6, MANTISSA = 23, BIAS = 127 };
#endif
    x = choose(x > far, (vec){0} + far, x);
    vec shifted = x * (real)-1.44269504088896340736 + shift; /* the last bits of the sum are the nearest integer m */
    vec r = (shifted - shift) * (real)-0.693147180559945309417 - x;
    vec scale = (vec)(((ivec)shifted + BIAS) << MANTISSA);
    vec tail = (vec){0} + series[0];
    UNROLL for (int i = 1; i < TERMS; i++) tail = tail * r + series[i];
    return scale * (r * r * tail + r) + (scale - less);
}

/* Of the inputs of the activation; its derivative goes to slope where it does not follow from the value. */
static INLINE vec activation(vec x, real *slope)
{
    const ivec sign = (ivec)(-(vec){0});
    const vec size = (vec)((ivec)x & ~sign);
    (void)size, (void)slope;
#if TANH
    vec fall = decay(2 * size, 1); /* tanh|x| = -fall / (2 + fall) keeps its relative accuracy at 0 */
    return (vec)((ivec)(fall / (2 + fall)) ^ (~(ivec)x & sign));
#elif SILU
    vec e = decay(size, 0), s = choose(x < 0, e, (vec){0} + 1) / (1 + e);
    *(vec *)slope = s * (1 + x * (1 - s));
    return x * s;
#else
    return choose(x < 0, (vec){0}, x); /* NaN stays NaN */
#endif
}

static INLINE vec derivative(vec value, const real *slope)
{
    (void)value, (void)slope;
#if TANH
    return 1 - value * value;
#elif SILU
    return *(const vec *)slope;
#else
    return choose(value > 0, (vec){0} + 1, (vec){0});
#endif
}

static void activate(long size, real *x, real *slope)
{
    for (long i = 0; i < size; i += LANES) *(vec *)(x + i) = activation(*(vec *)(x + i), slope + i);
}

static void activate_adjoint(long size, real *delta, const real *value, const real *slope)
{
    for (long i = 0; i < size; i += LANES) *(vec *)(delta + i) *= derivative(*(const vec *)(value + i), slope + i);
}
