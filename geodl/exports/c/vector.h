/* Vectors of numbers, one lane for each cell, and the functions that surrogates need of them.
 *
 *   GEODL_DOUBLE   dense networks compute in double, too
 *   GEODL_SCALAR   one lane, for compilers without vectors; taken by itself where they are neither GCC nor Clang
 *
 * Vectors are as wide as the processor that is compiled for has them (-march=native). Nothing depends on the number of
 * lanes, so a cell gets the same answer to the last bit in any company.
 */
#ifndef GEODL_VECTOR_H
#define GEODL_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if !defined __GNUC__ && !defined GEODL_SCALAR
#define GEODL_SCALAR
#endif

#if defined GEODL_SCALAR
enum { BYTES = 8, ACROSS = 1 };
#elif defined __AVX512F__
enum { BYTES = 64, ACROSS = 2 }; /* ACROSS: vectors of a block, as many as its sums leave registers for */
#elif defined __AVX__
enum { BYTES = 32, ACROSS = 1 };
#else
enum { BYTES = 16, ACROSS = 1 };
#endif

#if defined __AVX512F__ || defined __FMA__
#include <immintrin.h>
#elif defined __ARM_NEON && defined __aarch64__
#include <arm_neon.h>
#endif

#if defined __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE inline __attribute__((always_inline, unused))
#elif defined __GNUC__
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE inline __attribute__((always_inline, unused))
#else
#define UNROLL
#define INLINE inline
#endif

/* ---- types ------------------------------------------------------------------------------------------------------- */

#if defined GEODL_DOUBLE || defined GEODL_SCALAR
typedef double real;
#else
typedef float real;
#endif

#if defined GEODL_SCALAR
typedef double dvec, rvec;
typedef uint64_t dmask, rmask;
#else
typedef double dvec __attribute__((vector_size(BYTES), may_alias));
typedef uint64_t dmask __attribute__((vector_size(BYTES), may_alias));
typedef real rvec __attribute__((vector_size(BYTES), may_alias));
#if defined GEODL_DOUBLE
typedef uint64_t rmask __attribute__((vector_size(BYTES), may_alias));
#else
typedef uint32_t rmask __attribute__((vector_size(BYTES), may_alias));
#endif
#endif

typedef enum { LINEAR, TANH, SILU, RELU, GELU } Activation;
enum { D = BYTES / sizeof(double), R = BYTES / sizeof(real), BLOCK = ACROSS * R }; /* lanes, and cells of a block */

#if defined GEODL_SCALAR
#define ALIGNED
#define IS(condition) (-(uint64_t)(condition))
static INLINE dmask bits(dvec x) { dmask i; memcpy(&i, &x, sizeof i); return i; }
static INLINE dvec number(dmask i) { dvec x; memcpy(&x, &i, sizeof x); return x; }
static INLINE int any(dmask where) { return where != 0; }
static INLINE dvec same(double x) { return x; }
#define DBITS bits
#define RBITS bits
#define DNUMBER number
#define RNUMBER number
#else
#define ALIGNED __attribute__((aligned(BYTES)))
#define IS(condition) ((dmask)(condition))
#define DBITS(x) ((dmask)(x))
#define RBITS(x) ((rmask)(x))
#define DNUMBER(i) ((dvec)(i))
#define RNUMBER(i) ((rvec)(i))
static INLINE int any(dmask where)
{
    uint64_t found = 0;
    UNROLL for (int l = 0; l < D; l++) found |= where[l];
    return found != 0;
}
static INLINE dvec same(double x) { return x - (dvec){0}; } /* x + 0 is not x where x is -0 */
#endif

static INLINE dvec load(const double *at) { return *(const dvec *)at; }
static INLINE void store(double *at, dvec x) { *(dvec *)at = x; }
static INLINE rvec rload(const real *at) { return *(const rvec *)at; }
static INLINE void rstore(real *at, rvec x) { *(rvec *)at = x; }

#define LANE(x, l) (((double *)&(x))[l])

/* Numbers of the dense networks as doubles. */
static INLINE dvec widened(const real *at)
{
    dvec x = {0};
    UNROLL for (int l = 0; l < D; l++) LANE(x, l) = at[l];
    return x;
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

static INLINE dvec choose(dmask where, dvec yes, dvec no)
{
    return DNUMBER((where & DBITS(yes)) | (~where & DBITS(no)));
}
static INLINE rvec rchoose(rmask where, rvec yes, rvec no)
{
    return RNUMBER((where & RBITS(yes)) | (~where & RBITS(no)));
}
/* NaN passes. */
static INLINE dvec at_least(dvec x, double low) { return choose(IS(x < low), same(low), x); }
static INLINE dvec at_most(dvec x, double high) { return choose(IS(x > high), same(high), x); }
static INLINE dvec larger(dvec a, dvec b) { return choose(IS(a < b), b, a); }
static INLINE dvec smaller(dvec a, dvec b) { return choose(IS(a > b), b, a); }
static INLINE dvec size(dvec x) { return DNUMBER(DBITS(x) & INT64_MAX); }
static INLINE dmask finite(dvec x) { return IS(size(x) <= 0x1.fffffffffffffp1023); }
static INLINE dmask none(dvec x) { return IS(x != x); }

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */

/* a b + c, rounded once where the processor can: whatever the flags of the compiler, everywhere alike. */
static INLINE dvec dfma(dvec a, dvec b, dvec c)
{
#if defined GEODL_SCALAR
    return a * b + c;
#elif defined __AVX512F__
    return (dvec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined __AVX__ && defined __FMA__
    return (dvec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined __ARM_NEON && defined __aarch64__
    return (dvec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}
static INLINE rvec rfma(rvec a, rvec b, rvec c)
{
#if defined GEODL_DOUBLE || defined GEODL_SCALAR
    return dfma(a, b, c);
#elif defined __AVX512F__
    return (rvec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __AVX__ && defined __FMA__
    return (rvec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined __ARM_NEON && defined __aarch64__
    return (rvec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}
static INLINE rvec rsame(real x) { return x - (rvec){0}; }

static INLINE dvec dsqrt(dvec x)
{
    UNROLL for (int l = 0; l < D; l++) LANE(x, l) = sqrt(LANE(x, l));
    return x;
}

/* Σ w[k] x[k]: of rows of a table and of vectors that lie one after another. */
static INLINE dvec sum_of(int count, const double *w, const dvec *x)
{
    dvec even = same(0), odd = same(0);
    int k = 0;
    for (; k + 1 < count; k += 2) even = dfma(same(w[k]), x[k], even), odd = dfma(same(w[k + 1]), x[k + 1], odd);
    return even + (k < count ? dfma(same(w[k]), x[k], odd) : odd);
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

static const double LN2_HEAD = 355. / 512, LN2_TAIL = -2.12194440054690582767e-4; /* m LN2_HEAD is exact */

/* exp(x) - less, less 0 or 1, to about an ulp, with less = 1 also where x is small.
   exp(x) = 2^m exp(r) with |r| <= ln2 / 2, where the Taylor series ends below half an ulp. */
static INLINE dvec dexp_less(dvec x, double less)
{
    static const double series[] = {1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880,
                                    1. / 40320,      1. / 5040,      1. / 720,      1. / 120,     1. / 24,
                                    1. / 6,          1. / 2};
    x = at_most(at_least(x, -708), 709);
    dvec shifted = x * 1.44269504088896340736 + 0x1.8p52; /* the last bits of the sum are the nearest integer m */
    dvec m = shifted - 0x1.8p52, r = dfma(m, same(-LN2_TAIL), dfma(m, same(-LN2_HEAD), x)), tail = same(series[0]);
    UNROLL for (int i = 1; i < 12; i++) tail = dfma(tail, r, same(series[i]));
    dvec scale = DNUMBER((DBITS(shifted) + 1023) << 52);
    return dfma(scale, dfma(r * r, tail, r), scale - less);
}
static INLINE dvec dexp(dvec x) { return dexp_less(x, 0); }

/* ln x of normal numbers, NaN of all that has none: x = 2^e m with m near one, and ln m = 2 artanh((m - 1)/(m + 1)) by
   its series. */
static INLINE dvec dlog(dvec x)
{
    const uint64_t low = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff) << 52; /* √½: m lies from it to √2 */
    const dmask good = IS(x > 0) & finite(x), i = DBITS(choose(good, x, same(1))) + (one - low);
    dvec m = DNUMBER((i & (UINT64_MAX >> 12)) + low), exponent = DNUMBER((i >> 52) + (UINT64_C(0x433) << 52)) - 0x1p52;
    exponent -= 1023;
    dvec s = (m - 1) / (m + 1), z = s * s, tail = same(2. / 23);
    UNROLL for (int k = 21; k > 1; k -= 2) tail = dfma(tail, z, same(2. / k));
    dvec found = dfma(exponent, same(LN2_HEAD), dfma(exponent, same(LN2_TAIL), dfma(s * z, tail, 2 * s)));
    return choose(good, found, same(NAN));
}
#endif
