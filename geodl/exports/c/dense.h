/* Dense networks on blocks of cells: [feature][cell], cells along vectors, a tile of sums in registers.
 *
 * Weights lie in the order in which they are read: of every TILE outputs the biases, then TILE weights of each input.
 * Outputs are padded with zeros to whole tiles. A block walks through all layers before the next one begins, so that
 * what it carries stays in the nearest cache, and weights are read once for BLOCK cells.
 */
#ifndef GEODL_DENSE_H
#define GEODL_DENSE_H

#include "vector.h"

enum { TILE = 8 };
#define PADDED(n) (((n) + TILE - 1) / TILE * TILE)
enum { ROOM = PADDED(WIDEST) }; /* rows of the widest layer */

typedef struct {
    int inputs, outputs;
    const real *weights; /* [tile][1 + inputs][TILE] */
} Layer;

/* exp(-x) - less of x from zero on, as dexp_less; in float the series is shorter. */
static INLINE rvec decay(rvec x, const real less)
{
#if defined GEODL_DOUBLE || defined GEODL_SCALAR
    return dexp_less(-x, less);
#else
    static const float series[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2};
    x = rchoose((rmask)(x > 87), rsame(87), x);
    rvec shifted = x * -1.44269504088896340736f + 0x1.8p23f;
    rvec m = shifted - 0x1.8p23f, tail = rsame(series[0]);
    rvec r = rfma(m, rsame((float)-LN2_TAIL), rfma(m, rsame((float)-LN2_HEAD), -x));
    UNROLL for (int i = 1; i < 6; i++) tail = rfma(tail, r, rsame(series[i]));
    rvec scale = RNUMBER((RBITS(shifted) + 127) << 23);
    return rfma(scale, rfma(r * r, tail, r), scale - less);
#endif
}

#if defined GEODL_SCALAR
#define RIS(condition) IS(condition)
#else
#define RIS(condition) ((rmask)(condition))
#endif

/* a / b with b from 1 to 2: where a division takes longer than all the rest, by an estimate that is refined. */
static INLINE rvec quotient(rvec a, rvec b)
{
#if defined __AVX512F__ && !defined GEODL_DOUBLE && !defined GEODL_SCALAR
    rvec guess = (rvec)_mm512_rcp14_ps((__m512)b);
    return a * rfma(guess, rfma(-b, guess, rsame(1)), guess);
#else
    return a / b;
#endif
}

static INLINE rvec activated(rvec x, const Activation kind)
{
    const rmask sign = RBITS(-rsame(0));
    const rvec length = RNUMBER(RBITS(x) & ~sign);
    if (kind == TANH) { /* -fall / (2 + fall) of |x| keeps its relative accuracy at 0 */
        rvec fall = decay(2 * length, 1);
        return RNUMBER(RBITS(fall / (2 + fall)) ^ (~RBITS(x) & sign));
    }
    if (kind == SILU) {
        rvec e = decay(length, 0);
        return quotient(x * rchoose(RIS(x < 0), e, rsame(1)), 1 + e);
    }
    if (kind == RELU) return rchoose(RIS(x < 0), rsame(0), x);
    if (kind == GELU) {
        real at[R];
        memcpy(at, &x, sizeof x);
        for (int l = 0; l < R; l++) at[l] = (real)(0.5 * at[l] * erfc(-at[l] * 0.70710678118654752440));
        memcpy(&x, at, sizeof x);
    }
    return x;
}

/* One layer of a block, x [inputs][BLOCK] to y [PADDED(outputs)][BLOCK]. */
static INLINE void layer(const Layer *l, const Activation kind, const real *x, real *y)
{
    const real *w = l->weights;
    for (int o = 0; o < l->outputs; o += TILE, y += TILE * BLOCK) {
        rvec sum[TILE][ACROSS], v[ACROSS];
        UNROLL for (int r = 0; r < TILE; r++)
            UNROLL for (int c = 0; c < ACROSS; c++) sum[r][c] = rsame(w[r]);
        w += TILE;
        for (int i = 0; i < l->inputs; i++, w += TILE) {
            UNROLL for (int c = 0; c < ACROSS; c++) v[c] = rload(x + i * BLOCK + c * R);
            UNROLL for (int r = 0; r < TILE; r++)
                UNROLL for (int c = 0; c < ACROSS; c++) sum[r][c] = rfma(rsame(w[r]), v[c], sum[r][c]);
        }
        UNROLL for (int r = 0; r < TILE; r++)
            UNROLL for (int c = 0; c < ACROSS; c++) rstore(y + r * BLOCK + c * R, activated(sum[r][c], kind));
    }
}

/* ---- a few cells ------------------------------------------------------------------------------------------------- */

/* One after another, outputs along vectors: every sum in the same order as in a block, so the same to the last bit. */
#if defined __AVX512F__ && defined __FMA__ && !defined GEODL_DOUBLE && !defined GEODL_SCALAR
typedef float nvec __attribute__((vector_size(4 * TILE), may_alias));
enum { N = TILE };
static INLINE nvec nsame(real x) { return x - (nvec){0}; }
static INLINE nvec nfma(nvec a, nvec b, nvec c) { return (nvec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
#else
typedef rvec nvec;
enum { N = R };
#define nsame rsame
#define nfma rfma
#endif
enum { PIECES = TILE / N, FEW = 4 }; /* FEW: cells for which this is faster than a block */

static INLINE void tiles(const int count, int inputs, const real *w, const real *x, real *y)
{
    const int tile = (1 + inputs) * TILE;
    nvec sum[8][PIECES];
    UNROLL for (int t = 0; t < count; t++)
        UNROLL for (int p = 0; p < PIECES; p++) sum[t][p] = *(const nvec *)(w + t * tile + p * N);
    for (int i = 0; i < inputs; i++) {
        const nvec v = nsame(x[i]);
        const real *at = w + (1 + i) * TILE;
        UNROLL for (int t = 0; t < count; t++)
            UNROLL for (int p = 0; p < PIECES; p++)
                sum[t][p] = nfma(*(const nvec *)(at + t * tile + p * N), v, sum[t][p]);
    }
    UNROLL for (int t = 0; t < count; t++)
        UNROLL for (int p = 0; p < PIECES; p++) *(nvec *)(y + t * TILE + p * N) = sum[t][p];
}

static INLINE void narrow_layer(const Layer *l, const Activation kind, const real *x, real *y)
{
    const int tile = (1 + l->inputs) * TILE;
    const real *w = l->weights;
    real *to = y;
    int left = PADDED(l->outputs) / TILE;
    for (; left >= 8; left -= 8, w += 8 * tile, to += 8 * TILE) tiles(8, l->inputs, w, x, to);
    if (left >= 4) tiles(4, l->inputs, w, x, to), left -= 4, w += 4 * tile, to += 4 * TILE;
    if (left >= 2) tiles(2, l->inputs, w, x, to), left -= 2, w += 2 * tile, to += 2 * TILE;
    if (left) tiles(1, l->inputs, w, x, to);
    for (int o = 0; o < l->outputs && kind != LINEAR; o += R) rstore(y + o, activated(rload(y + o), kind));
}

/* As network does, of the one cell whose column begins at x. */
static INLINE void narrow_network(int layers, const Layer *l, const Activation kind, const real *x, real *y,
                                  int straight, const real *kept)
{
    real room[2][ROOM + R] ALIGNED, *from = room[0], *to = room[1];
    memset(room, 0, sizeof room); /* what fills up the last vector is computed with */
    for (int i = 0; i < l->inputs; i++) from[i] = x[i * BLOCK];
    for (int k = 0; k < layers; k++) {
        const int last = k + 1 == layers;
        for (int i = 0; last && i < straight; i++) from[l[k].inputs - straight + i] = kept[i * BLOCK];
        narrow_layer(l + k, last ? LINEAR : kind, from, to);
        real *swap = from;
        from = to, to = swap;
    }
    for (int o = 0; o < l[layers - 1].outputs; o++) y[o * BLOCK] = from[o];
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

/* All layers of a network, the last one linear, for the first cells of a block, whose inputs lie in room[0] and are lost.
   straight: rows that the last layer sees again after its own inputs, kept by the caller. Returns where the answer is. */
static INLINE const real *network(int cells, int layers, const Layer *l, const Activation kind,
                                  real (*room)[ROOM * BLOCK], int straight, const real *kept)
{
    real *x = room[0], *y = room[1];
    if (cells <= FEW) {
        for (int c = 0; c < cells; c++) narrow_network(layers, l, kind, x + c, y + c, straight, kept ? kept + c : 0);
        return y;
    }
    for (int k = 0; k + 1 < layers; k++) {
        layer(l + k, kind, x, y);
        real *swap = x;
        x = y, y = swap;
    }
    if (straight) memcpy(x + (l[layers - 1].inputs - straight) * BLOCK, kept, sizeof(real) * BLOCK * straight);
    layer(l + layers - 1, LINEAR, x, y);
    return y;
}
#endif
