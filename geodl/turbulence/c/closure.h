/* The Reynolds stress of a block of cells by a tensor-basis network (network.py, tensor_basis.py, extrapolation.py). */

enum { OK, OUT_OF_DOMAIN };
enum { POPE = 10 };
enum { COEFFICIENTS = TENSORS + 1 + SEES_REMAINDER * TENSORS };

typedef struct {
    double seen[FEATURES][BLOCK], basis[TENSORS][5][BLOCK], energy[BLOCK], viscosity[BLOCK];
    real scaled[FEATURES][BLOCK], found[MEMBERS][PADDED(COEFFICIENTS)][BLOCK], doubt[BLOCK];
    real room[2][ROOM * BLOCK];
} ALIGNED Scratch;

/* Orthonormal components of the symmetric traceless part of a tensor. */
static void components(const dvec *t, dvec *c)
{
    c[0] = ROOT_HALF * (t[0] - t[4]), c[1] = ROOT_SIXTH * (t[0] + t[4] - 2 * t[8]);
    c[2] = ROOT_HALF * (t[1] + t[3]), c[3] = ROOT_HALF * (t[2] + t[6]), c[4] = ROOT_HALF * (t[5] + t[7]);
}

static void from_components(const dvec *c, dvec *t)
{
    t[0] = ROOT_HALF * c[0] + ROOT_SIXTH * c[1], t[4] = ROOT_SIXTH * c[1] - ROOT_HALF * c[0];
    t[8] = -2 * ROOT_SIXTH * c[1];
    t[1] = t[3] = ROOT_HALF * c[2], t[2] = t[6] = ROOT_HALF * c[3], t[5] = t[7] = ROOT_HALF * c[4];
}

/* A tensor of the basis, shorter than one, whose symmetric traceless part is so many times that of t. */
static void keep(Scratch *s, int g, int number, const dvec *t, double times)
{
    dvec c[5];
    components(t, c);
    for (int i = 0; i < 5; i++) c[i] *= times;
    const dvec per = 1 / dsqrt(dot(5, c, c) + SOFTNESS * SOFTNESS);
    for (int i = 0; i < 5; i++) store(s->basis[number][i] + g, c[i] * per);
}

/* Pope's ten tensors: the second half of every pair is the transpose of the first. */
static void ten_tensors(Scratch *scratch, int g, const dvec *s, const dvec *r)
{
    dvec s2[9], r2[9], sr[9], s2r[9], sr2[9], s2r2[9], t[9];
    product(s, s, s2), product(r, r, r2), product(s, r, sr);
    product(s2, r, s2r), product(sr, r, sr2), product(s2r, r, s2r2);
    keep(scratch, g, 0, s, 1), keep(scratch, g, 1, sr, 2), keep(scratch, g, 2, s2, 1), keep(scratch, g, 3, r2, 1);
    keep(scratch, g, 4, s2r, -2), keep(scratch, g, 5, sr2, 2), keep(scratch, g, 8, s2r2, 2);
    product(r, sr2, t), keep(scratch, g, 6, t, 2);
    product(s2r, s, t), keep(scratch, g, 7, t, -2);
    product(r, s2r2, t), keep(scratch, g, 9, t, 2);
}

/* Those of the gradient of k: n n and s n n + n n s. */
static void two_tensors(Scratch *scratch, int g, const dvec *s, const dvec *n)
{
    dvec strained[3], dyad[9], pair[9];
    for (int i = 0; i < 3; i++) strained[i] = dot(3, s + 3 * i, n);
    for (int i = 0; i < 9; i++) dyad[i] = n[i / 3] * n[i % 3], pair[i] = strained[i / 3] * n[i % 3];
    keep(scratch, g, POPE, dyad, 1), keep(scratch, g, POPE + 1, pair, 2);
}

/* Constant tensors: a plain network, without invariance. */
static void fixed_tensors(Scratch *s, int g)
{
    for (int n = 0; n < TENSORS; n++)
        for (int i = 0; i < 5; i++) store(s->basis[n][i] + g, same(n == i));
}

static void encode(double (*x)[BLOCK], int g, Scratch *s)
{
    Flow f;
    dvec seen[FEATURES];
    look(&f, x, g);
    features(&f, seen);
    for (int k = 0; k < FEATURES; k++) store(s->seen[k] + g, seen[k]);
    store(s->energy + g, f.energy), store(s->viscosity + g, f.k / f.omega);
    if ((int)TENSORS < POPE) fixed_tensors(s, g);
    if ((int)TENSORS >= POPE) ten_tensors(s, g, f.s, f.r);
    if ((int)TENSORS > POPE) two_tensors(s, g, f.s, f.n);
}

static void networks(int cells, Scratch *s)
{
    for (int k = 0; k < FEATURES; k++)
        for (int l = 0; l < BLOCK; l++) {
            const double z = (s->seen[k][l] - MEAN[k]) * PER_STD[k];
            s->scaled[k][l] = (real)(z > CLIP ? CLIP : z < -CLIP ? -CLIP : z);
        }
    for (int m = 0; m <= MEMBERS; m++) {
        memcpy(s->room[0], s->scaled, sizeof s->scaled);
        if (m == MEMBERS) {
            memcpy(s->doubt, network(cells, 3, DOUBT, (Activation)ACTIVATION, s->room, 0, 0), sizeof s->doubt);
        } else {
            const real *found = network(cells, LAYERS, DENSE[m], (Activation)ACTIVATION, s->room, 0, 0);
            memcpy(s->found[m], found, sizeof s->found[m]);
        }
    }
}

static dvec bounded(dvec x, double limit) /* limit tanh(x / limit) */
{
    const dvec fall = dexp_less(-2 * size(x) / limit, 1), found = -limit * fall / (2 + fall);
    return choose(IS(x < 0), -found, found);
}

/* Components of Σ weight[n] T[n]. */
static void sum_of_tensors(const Scratch *s, int g, const dvec *weight, dvec *c)
{
    for (int i = 0; i < 5; i++) c[i] = same(0);
    for (int n = 0; n < TENSORS; n++)
        for (int i = 0; i < 5; i++) c[i] = dfma(weight[n], load(s->basis[n][i] + g), c[i]);
}

static const double EACH = 1. / MEMBERS; /* a product takes a fraction of the time of a quotient */

/* Mean coefficients of the members, their mean logarithm of k, and the variance of their tensors. */
static void mean_of_members(const Scratch *s, int g, dvec *weight, dvec *ln_k, dvec *variance)
{
    dvec each[MEMBERS][5], mean[5], ratio = same(0), sum = same(0);
    for (int i = 0; i < 5; i++) mean[i] = same(0);
    for (int n = 0; n < COEFFICIENTS; n++) weight[n] = same(0);
    for (int m = 0; m < MEMBERS; m++) {
        dvec own[COEFFICIENTS];
        for (int n = 0; n < COEFFICIENTS; n++) own[n] = widened(s->found[m][n] + g), weight[n] += own[n] * EACH;
        sum_of_tensors(s, g, own, each[m]);
        for (int i = 0; i < 5; i++) mean[i] += each[m][i] * EACH;
        ratio += bounded(own[TENSORS], LARGEST_LOG_RATIO) * EACH;
    }
    for (int m = 0; m < MEMBERS; m++)
        for (int i = 0; i < 5; i++) sum += (each[m][i] - mean[i]) * (each[m][i] - mean[i]);
    *variance = sum * EACH, *ln_k = dlog(load(s->energy + g)) + ratio;
}

/* Distances from the training cells: Mahalanobis, and by kernels around means of cells. */
static void distances(const Scratch *s, int g, dvec *mahalanobis, dvec *kernel)
{
    dvec z[FEATURES], away[FEATURES], inner[CENTRES], square = same(0), most, sum = same(0);
    for (int k = 0; k < FEATURES; k++) {
        z[k] = at_most(at_least((load(s->seen[k] + g) - MEAN[k]) * PER_STD[k], -FARTHEST), FARTHEST);
        away[k] = z[k] - MIDDLE[k], square = dfma(z[k], z[k], square);
    }
    *mahalanobis = dsqrt(whitened(WHITEN, away)) / MAHALANOBIS_LIMIT;
    for (int c = 0; c < CENTRES; c++) inner[c] = sum_of(FEATURES, CENTRE[c], z) + CENTRE_BIAS[c];
    most = inner[0];
    for (int c = 1; c < CENTRES; c++) most = larger(most, inner[c]);
    for (int c = 0; c < CENTRES; c++) sum += dexp(inner[c] - most);
    *kernel = dsqrt(at_least(square - 2 * KERNEL_VARIANCE * (most + dlog(sum)), 0)) / KERNEL_LIMIT;
}

static dmask possible(double (*x)[BLOCK], int g)
{
    dmask found = IS(load(x[ENERGY] + g) >= 0) & IS(load(x[RATE] + g) >= 0);
    if (SEES_WALL) found &= IS(load(x[WALL] + g) >= 0) & IS(load(x[VISCOSITY] + g) >= 0);
    return found;
}

static void put(double (*y)[BLOCK], int g, int count, const dvec *values)
{
    for (int i = 0; i < count; i++) store(y[i] + g, values[i]);
}

/* The cells from lane g on; the rows of y are those of the outputs, one after another. */
static void finish(double (*x)[BLOCK], int g, Scratch *s, double (*y)[BLOCK], double *status)
{
    dvec weight[COEFFICIENTS], c[5], b[9], rest[9], k, variance, doubt[4], total = same(0);
    mean_of_members(s, g, weight, &k, &variance);
    k = dexp(k);
    const dvec trust = CONSTANT_ERROR * CONSTANT_ERROR / (CONSTANT_ERROR * CONSTANT_ERROR + variance);
    for (int n = 0; n < COEFFICIENTS; n++) weight[n] = dfma(trust, weight[n] - CONSTANT[n], same(CONSTANT[n]));
    const dvec error = CONSTANT_ERROR * CONSTANT_ERROR * dexp(bounded(widened(s->doubt + g), LARGEST_LOG_DOUBT));
    doubt[0] = dsqrt(error + variance) / LARGE_ERROR, doubt[1] = dsqrt(variance);
    distances(s, g, doubt + 2, doubt + 3);
    sum_of_tensors(s, g, weight, c), from_components(c, b), realizable(b);
    put(y, g, 9, b), put(y + 9, g, 1, &k);
    if (SEES_REMAINDER) {
        sum_of_tensors(s, g, weight + TENSORS + 1, c), from_components(c, rest);
        put(y + 10, g, 9, rest);
        for (int i = 0; i < 9; i++) rest[i] *= 2 * k;
        store(y[23] + g, load(s->viscosity + g)), put(y + 24, g, 9, rest);
    }
    put(y + 10 + 9 * SEES_REMAINDER, g, 4, doubt);
    for (int i = 0; i < ROWS_IN; i++) total += load(x[i] + g) - load(x[i] + g); /* 0 but of NaN and infinities */
    const dmask home = at_home(s->seen, g) & possible(x, g) & IS(doubt[0] <= 1);
    store(status + g, choose(IS(total == 0), choose(home, same(OK), same(OUT_OF_DOMAIN)), same(UNTOUCHED)));
}

static void answer(int cells, double (*x)[BLOCK], const double *option, int in_float, double (*y)[BLOCK],
                   double *status)
{
    Scratch s;
    (void)option, (void)in_float;
    for (int g = 0; g < cells; g += D) encode(x, g, &s);
    networks(cells, &s);
    for (int g = 0; g < cells; g += D) finish(x, g, &s, y, status);
}
