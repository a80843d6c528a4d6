/* The lattice Boltzmann method: D2Q9, two relaxation times, boundaries as lists of links (see links.py).
 *
 * c_engine.py defines REAL, the type of every number.
 *
 * Several time steps pass over the domain as one wave: while step k works on row y, step k + 1 follows `reach` rows
 * behind. Between them lie rings of 2 reach + 1 rows that never leave the cache; the array in memory is read and
 * written once per wave. A row of a ring holds its nine populations one after another, [9][pitch], and its cells begin
 * on a cache line. A link belongs to the row whose sweep pulls its target, and its sources lie within `reach` rows of
 * that, so that it is due just before that row is swept. Links that look farther ("far": periodic in y) are done on
 * the array, before waves of a single step.
 *
 * Samples never meet: what becomes of one does not depend on the others in its batch, to the last bit.
 *
 * Source: He & Luo 1997, J. Stat. Phys. 88, 927; Ginzburg, Verhaeghe & d'Humieres 2008, Commun. Comput. Phys. 3, 427;
 * for the wave: Wellein et al. 2009, COMPSAC 33, 579.
 */
#include <stdint.h>
#include <string.h>

#if defined __AVX512F__
enum { BYTES = 64 };
#elif defined __AVX__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif

typedef REAL real;
typedef real vec __attribute__((vector_size(BYTES), may_alias));
typedef real loose __attribute__((vector_size(BYTES), may_alias, aligned(sizeof(real)))); /* on no boundary */

enum { LANES = BYTES / sizeof(real), SPEEDS = 9, LINE = 64, BEFORE = LINE / sizeof(real) };
#define INLINE inline __attribute__((always_inline))

static const real CX[SPEEDS] = {0, 1, 0, -1, 0, 1, -1, -1, 1}, CY[SPEEDS] = {0, 0, 1, 0, -1, 1, 1, -1, -1};
static const real W[SPEEDS] = {4. / 9,  1. / 9,  1. / 9,  1. / 9, 1. / 9,
                               1. / 36, 1. / 36, 1. / 36, 1. / 36};

typedef struct { int32_t target, first, second, third; real a, b, c, constant; } Link;
typedef struct { int32_t target, first; real constant; } Copy; /* a = 1, b = c = 0 */
typedef struct {
    int32_t target, opposite, inner, cell, behind, direction;
    real keep, follow, anchor, density;
} Outlet;
typedef struct { int32_t column, count; } Span; /* of solid cells */

/* Lists of a whole batch are sorted by sample, then by row; those of row y of sample s lie in
   [start[s (ny + 3) + y], start[s (ny + 3) + y + 1]). Indices count from the beginning of a ring, far ones from that
   of the sample. */
typedef struct {
    long batch, ny, nx, pitch, reach, levels;
    const Link *links;
    const int32_t *link_start;
    const Copy *copies;
    const int32_t *copy_start;
    const Outlet *outlets;
    const int32_t *outlet_start;
    const Span *solids;
    const int32_t *solid_start;
    const Link *far;
    const int32_t *far_start; /* [batch + 1] */
    real *memory;             /* last values of the outlets */
    const double *rates;      /* 1/tau+, 1/tau-, force x, force y of each sample */
} Problem;

long sweep_line(void) { return BEFORE; }
long sweep_lanes(void) { return LANES; }

/* ---- collision --------------------------------------------------------------------------------------------------- */

/* Halves of the symmetric and antisymmetric parts after collision: keep of what was there, and equilibrium. */
typedef struct {
    real rest, rest_base; /* population 0 */
    real symmetric, base1, square1, base5, square5;
    real antisymmetric, linear1, linear5;
    real force_x, force_y, half_x, half_y, pull1, pull5, push1, push5; /* pull: symmetric part of the force */
} Rates;

static Rates rates_of(const double *r)
{
    const double plus = r[0], minus = r[1], w1 = 1. / 9, w5 = 1. / 36, pull = 1 - plus / 2, push = 3 * (1 - minus / 2);
    return (Rates){
        .rest = 1 - plus, .rest_base = plus * 4 / 9,
        .symmetric = (1 - plus) / 2, .base1 = plus * w1, .square1 = 4.5 * plus * w1,
        .base5 = plus * w5, .square5 = 4.5 * plus * w5,
        .antisymmetric = (1 - minus) / 2, .linear1 = 3 * minus * w1, .linear5 = 3 * minus * w5,
        .force_x = r[2], .force_y = r[3], .half_x = r[2] / 2, .half_y = r[3] / 2,
        .pull1 = pull * w1, .pull5 = pull * w5, .push1 = push * w1, .push5 = push * w5,
    };
}

/* Pull from the rows below, at and above into `out`, and collide; `forced` is a constant. */
static INLINE void sweep(const int forced, long nx, long pitch, const real *below, const real *at, const real *above,
                         real *out, const Rates k)
{
#define PULL(row, i, shift) (*(const loose *)(row + i * pitch + x - (shift)))
#define PUT(i) (*(vec *)(out + i * pitch + x))
#define PAIR(i, j, s, d, u, base, square, linear, pull, push, g)                                                       \
    {                                                                                                                  \
        vec even = k.symmetric * (s) + ((base) + (square) * ((u) * (u)));                                              \
        vec odd = k.antisymmetric * (d) + (linear) * (u);                                                              \
        if (forced) even += (pull) * (9 * (u) * (g)-power), odd += (push) * (g);                                       \
        PUT(i) = even + odd;                                                                                           \
        PUT(j) = even - odd;                                                                                           \
    }
    for (long x = 0; x < nx; x += LANES) {
        const vec g0 = PULL(at, 0, 0);
        const vec g1 = PULL(at, 1, 1), g3 = PULL(at, 3, -1), g2 = PULL(below, 2, 0), g4 = PULL(above, 4, 0);
        const vec g5 = PULL(below, 5, 1), g7 = PULL(above, 7, -1), g6 = PULL(below, 6, -1), g8 = PULL(above, 8, 1);
        const vec s1 = g1 + g3, d1 = g1 - g3, s2 = g2 + g4, d2 = g2 - g4;
        const vec s5 = g5 + g7, d5 = g5 - g7, s6 = g6 + g8, d6 = g6 - g8;
        const vec density = (g0 + (s1 + s2)) + (s5 + s6);
        vec ux = d1 + (d5 - d6), uy = d2 + (d5 + d6), power = {0};
        if (forced) ux += k.half_x, uy += k.half_y, power = 3 * (ux * k.force_x + uy * k.force_y);
        const vec base = density - (real)1.5 * (ux * ux + uy * uy), base1 = k.base1 * base, base5 = k.base5 * base;
        const vec sum = uy + ux, difference = uy - ux;
        vec rest = k.rest * g0 + k.rest_base * base;
        if (forced) rest -= 4 * k.pull1 * power;
        PUT(0) = rest;
        PAIR(1, 3, s1, d1, ux, base1, k.square1, k.linear1, k.pull1, k.push1, k.force_x)
        PAIR(2, 4, s2, d2, uy, base1, k.square1, k.linear1, k.pull1, k.push1, k.force_y)
        PAIR(5, 7, s5, d5, sum, base5, k.square5, k.linear5, k.pull5, k.push5, (k.force_x + k.force_y))
        PAIR(6, 8, s6, d6, difference, base5, k.square5, k.linear5, k.pull5, k.push5, (k.force_y - k.force_x))
    }
}

/* ---- boundaries -------------------------------------------------------------------------------------------------- */

static INLINE void follow(const Link *link, const Link *end, real *g)
{
    for (; link < end; link++)
        g[link->target] =
            link->a * g[link->first] + link->b * g[link->second] + link->c * g[link->third] + link->constant;
}

static INLINE void copy(const Copy *link, const Copy *end, real *g)
{
    for (; link < end; link++) g[link->target] = g[link->first] + link->constant;
}

static INLINE real momentum_x(const real *g, long p)
{
    return g[p] - g[3 * p] + g[5 * p] - g[6 * p] - g[7 * p] + g[8 * p];
}

static INLINE real momentum_y(const real *g, long p)
{
    return g[2 * p] - g[4 * p] + g[5 * p] + g[6 * p] - g[7 * p] - g[8 * p];
}

/* See Outlets in links.py; what a target remembers lies in `memory`, because rings forget. */
static INLINE void leave(const Outlet *link, const Outlet *end, real *memory, real *g, long pitch)
{
    real ux = 0, uy = 0;
    const Outlet *first = link;
    for (; link < end; link++, memory++) {
        /* Links of one cell follow each other; in a corner they may have different normals. */
        if (link == first || link->cell != link[-1].cell || link->behind != link[-1].behind) {
            const real *here = g + link->cell, *behind = g + link->behind;
            ux = (real)1.5 * momentum_x(here, pitch) - (real)0.5 * momentum_x(behind, pitch);
            uy = (real)1.5 * momentum_y(here, pitch) - (real)0.5 * momentum_y(behind, pitch);
        }
        const int i = link->direction;
        const real along = CX[i] * ux + CY[i] * uy;
        const real held = 2 * W[i] * (link->density + (real)4.5 * along * along - (real)1.5 * (ux * ux + uy * uy)) -
                          g[link->opposite];
        *memory = link->keep * *memory + link->follow * g[link->inner] + link->anchor * held;
        g[link->target] = *memory;
    }
}

/* ---- the wave ---------------------------------------------------------------------------------------------------- */

static real *row_of(const Problem *p, real *ring, long y)
{
    return ring + y % (2 * p->reach + 1) * SPEEDS * p->pitch;
}

static void load_row(const Problem *p, const real *g, real *ring, long y)
{
    const long width = p->nx + 2, plane = (p->ny + 2) * width;
    real *row = row_of(p, ring, y) + BEFORE - 1;
    for (int i = 0; i < SPEEDS; i++) memcpy(row + i * p->pitch, g + i * plane + y * width, width * sizeof(real));
}

static void store_row(const Problem *p, real *ring, real *g, long y)
{
    const long width = p->nx + 2, plane = (p->ny + 2) * width;
    const real *row = row_of(p, ring, y) + BEFORE;
    for (int i = 0; i < SPEEDS; i++)
        memcpy(g + i * plane + y * width + 1, row + i * p->pitch, p->nx * sizeof(real));
}

static void clear(const Problem *p, real *row, long column, long count)
{
    for (int i = 0; i < SPEEDS; i++) memset(row + i * p->pitch + column, 0, count * sizeof(real));
}

/* One step of one row: boundaries in the ring it reads, then the sweep into the ring it writes. */
static void step_row(const Problem *p, const Rates *k, long sample, long y, real *from, real *to)
{
    const long at = sample * (p->ny + 3) + y;
    const int32_t *link = p->link_start + at, *same = p->copy_start + at, *out = p->outlet_start + at;
    follow(p->links + link[0], p->links + link[1], from);
    copy(p->copies + same[0], p->copies + same[1], from);
    leave(p->outlets + out[0], p->outlets + out[1], p->memory + out[0], from, p->pitch);

    const real *below = row_of(p, from, y - 1) + BEFORE, *row = row_of(p, from, y) + BEFORE,
               *above = row_of(p, from, y + 1) + BEFORE;
    real *written = row_of(p, to, y) + BEFORE;
    if (k->force_x != 0 || k->force_y != 0) sweep(1, p->nx, p->pitch, below, row, above, written, *k);
    else sweep(0, p->nx, p->pitch, below, row, above, written, *k);
    const long over = (p->nx + LANES - 1) / LANES * LANES - p->nx;
    if (over) clear(p, written, p->nx, over); /* what the last vector wrote behind the row */
    for (const Span *s = p->solids + p->solid_start[at]; s < p->solids + p->solid_start[at + 1]; s++)
        clear(p, written, s->column, s->count);
}

static void wave(const Problem *p, const Rates *k, long sample, long levels, real *g, real *rings)
{
    const long ring = (2 * p->reach + 1) * SPEEDS * p->pitch, last = p->ny + p->reach * levels;
    for (long front = 0; front <= last; front++) {
        if (front <= p->ny + 1) load_row(p, g, rings, front);
        for (long level = 0; level < levels; level++) {
            const long y = front - (level + 1) * p->reach;
            if (y >= 1 && y <= p->ny) step_row(p, k, sample, y, rings + level * ring, rings + (level + 1) * ring);
        }
        const long done = front - levels * p->reach;
        if (done >= 1) store_row(p, rings + levels * ring, g, done);
    }
}

/* Advance [batch, 9, ny + 2, nx + 2] in place; `rings` has room for levels + 1 rings, on a cache line, all numbers. */
void sweep_advance(const Problem *p, long steps, real *g, real *rings)
{
    for (long sample = 0; sample < p->batch; sample++, g += SPEEDS * (p->ny + 2) * (p->nx + 2)) {
        const Rates k = rates_of(p->rates + 4 * sample);
        for (long left = steps; left > 0;) {
            const long levels = left < p->levels ? left : p->levels;
            follow(p->far + p->far_start[sample], p->far + p->far_start[sample + 1], g);
            wave(p, &k, sample, levels, g, rings);
            left -= levels;
        }
    }
}
