/* Explicit Runge-Kutta integration of a learned field, and the exact adjoint of that discrete scheme.
 *
 * One compilation serves one shape of field. fused.py puts fused_kernels.c before this text, and defines besides:
 *   STATE, INPUT  size n of the state, and of the input of the first layer
 *   LAYERS(DO)    DO(l, in, out) of each dense layer, first to last; REVERSED(DO) last to first
 *   LAST          index of the last layer
 *   BILINEAR      1: the one layer reads the state and its products u_i u_j, i <= j
 *
 * Samples are rows, features lie along the vector lanes. A block of samples goes through all steps before the next one
 * starts, so that what it needs stays in the cache. Nothing is allocated and nothing is static: calls from several
 * threads do not meet.
 *
 * Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, II.1; Sanz-Serna 2016, SIAM Review
 * 58, 3, section 3 for the adjoint.
 */
/* What is kept of one evaluation for each sample: the input of every layer, the result k, and the derivatives of the
   activation where they do not follow from its values. */
#define INPUT_SIZE(l, in, out) +PADDED(in)
#define SLOPE_SIZE(l, in, out) +(SILU && l < LAST ? PADDED(out) : 0)
enum {
    BLOCK = 48, /* samples */
    K = PADDED(STATE),
    INPUTS = 0 LAYERS(INPUT_SIZE),
    SLOPES = 0 LAYERS(SLOPE_SIZE),
    RECORD = INPUTS + K + SLOPES
};

/* Weights as the products read them; their gradients with the larger size along the lanes; ∂L/∂input of each layer. */
#define WEIGHTS(l, in, out) real forward##l[in][PADDED(out)], backward##l[out][PADDED(in)], bias##l[PADDED(out)];
#define GRADIENTS(l, in, out) real weight##l[SMALLER(in, out)][PADDED(LARGER(in, out))], bias##l[PADDED(out)];
#define DELTAS(l, in, out) real delta##l[BLOCK * PADDED(in)];
typedef struct { LAYERS(WEIGHTS) } __attribute__((aligned(BYTES))) Weights;
typedef struct { LAYERS(GRADIENTS) } __attribute__((aligned(BYTES))) Gradients;
typedef struct {
    Weights weights;
    Gradients gradients;
    LAYERS(DELTAS)
    real state[BLOCK * K], kappa[BLOCK * K];
    real stages[]; /* μ of every stage, then the records of one step where no tape holds them */
} __attribute__((aligned(BYTES))) Workspace;

typedef struct {
    long batch, intervals, substeps, stages, stored; /* stored: the tape holds all records, else only states */
    const real *h, *a, *b;                           /* h of the substeps of each interval; a is stages × stages */
    const real *rate, *const *parameters;            /* weight and bias of each layer, as torch has them */
    real *const *gradients;                          /* of the parameters, to be added to; 0: not wanted */
    double *tableau;                                 /* of a, then of b; the same */
} Problem;

long fused_tape_size(long stages, long stored) { return stored ? stages * RECORD : K; }
long fused_workspace_bytes(long stages) { return sizeof(Workspace) + stages * BLOCK * (K + RECORD) * sizeof(real); }

/* ---- the field --------------------------------------------------------------------------------------------------- */

/* Where torch has the weight of input i in output o, and where its gradient is here. */
#define AT(in, out) (BILINEAR ? i * out + o : o * in + i)
#define GRADIENT_AT(in, out) (in < out ? i * PADDED(out) + o : o * PADDED(in) + i)

/* Torch's layout to ours; the last layer of a field has a rate before W x + bias. Paddings are zero already. */
static INLINE void pack(const int in, const int out, const real *const *layer, const real *rate, real *forward,
                        real *backward, real *bias)
{
    for (int o = 0; o < out; o++) bias[o] = (rate ? rate[o] : 1) * layer[1][o];
    for (int first = 0; first < out; first += LANES) /* so many outputs at a time write whole cache lines */
        for (int i = 0; i < in; i++)
            for (int o = first; o < SMALLER(first + LANES, out); o++)
                forward[i * PADDED(out) + o] = backward[o * PADDED(in) + i] =
                    (rate ? rate[o] : 1) * layer[0][AT(in, out)];
}

/* Add ours to the gradients in torch's layout. */
static INLINE void unpack(const int in, const int out, real *const *layer, const real *rate, const real *weight,
                          const real *bias)
{
    for (int o = 0; o < out; o++) {
        const real factor = rate ? rate[o] : 1;
        layer[1][o] += factor * bias[o];
        for (int i = 0; i < in; i++) layer[0][AT(in, out)] += factor * weight[GRADIENT_AT(in, out)];
    }
}

/* Products u_i u_j, i <= j, behind the state. */
static void features(long count, const real *state, real *input)
{
    for (long s = 0; s < count; s++, state += K, input += PADDED(INPUT)) {
        int at = STATE;
        for (int i = 0; i < STATE; i++) {
            input[i] = state[i];
            for (int j = i; j < STATE; j++) input[at++] = state[i] * state[j];
        }
        while (at < PADDED(INPUT)) input[at++] = 0;
    }
}

static void features_adjoint(long count, const real *input, const real *delta, real *mu)
{
    for (long s = 0; s < count; s++, input += PADDED(INPUT), delta += PADDED(INPUT), mu += K) {
        int at = STATE;
        for (int i = 0; i < K; i++) mu[i] = i < STATE ? delta[i] : 0;
        for (int i = 0; i < STATE; i++)
            for (int j = i; j < STATE; j++, at++) {
                mu[i] += delta[at] * input[j];
                mu[j] += delta[at] * input[i];
            }
    }
}

/* From the input of the first layer, at the head of the record, to k at record + count * INPUTS. */
static void evaluate(const Weights *w, long count, real *record)
{
    real *x = record, *slope = record + count * (INPUTS + K);
#define FORWARD(l, in, out)                                                                                            \
    product(out, count, in, (Rows){x + count * PADDED(in), PADDED(out)}, (Start){w->bias##l, 0},                       \
            (Scalars){x, PADDED(in), 1}, (Vectors){w->forward##l[0], PADDED(out)});                                    \
    x += count * PADDED(in);                                                                                           \
    if (l < LAST) {                                                                                                    \
        activate(count * PADDED(out), x, slope);                                                                       \
        slope += count * PADDED(out);                                                                                  \
    }
    LAYERS(FORWARD)
}

/* gradient[r][c] += Σ_samples slow[r] · fast[c], with c along the lanes. */
static INLINE void add_outer(const int slow, const int fast, long count, real *gradient, const real *r, const real *c)
{
    product(fast, slow, count, (Rows){gradient, PADDED(fast)}, (Start){gradient, PADDED(fast)},
            (Scalars){r, 1, PADDED(slow)}, (Vectors){c, PADDED(fast)});
}

/* From κ = ∂L/∂k to w->delta0, ∂L/∂input; adds to the gradients of the weights if they are wanted. */
static void evaluate_adjoint(Workspace *w, long count, const real *record, int wanted)
{
    const real one = 1, *x = record + count * INPUTS, *slope = record + count * RECORD, *delta = w->kappa;
    Gradients *g = &w->gradients;
#define BACKWARD(l, in, out)                                                                                           \
    x -= count * PADDED(in);                                                                                           \
    if (wanted) {                                                                                                      \
        product(out, 1, count, (Rows){g->bias##l, 0}, (Start){g->bias##l, 0}, (Scalars){&one, 0, 0},                   \
                (Vectors){delta, PADDED(out)});                                                                        \
        if (in < out) add_outer(in, out, count, g->weight##l[0], x, delta);                                            \
        else add_outer(out, in, count, g->weight##l[0], delta, x);                                                     \
    }                                                                                                                  \
    product(in, count, out, (Rows){w->delta##l, PADDED(in)}, (Start){0, 0}, (Scalars){delta, PADDED(out), 1},          \
            (Vectors){w->weights.backward##l[0], PADDED(in)});                                                         \
    delta = w->delta##l;                                                                                               \
    if (l > 0) {                                                                                                       \
        slope -= count * PADDED(in);                                                                                   \
        activate_adjoint(count * PADDED(in), w->delta##l, x, slope);                                                   \
    }
    REVERSED(BACKWARD)
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

/* out = y + h Σ_j weight[j] k_j, with k_j in the j-th record. */
static void combine(long size, real *out, const real *y, long terms, const real *weight, real h, const real *k,
                    long stride)
{
    for (long i = 0; i < size; i += LANES) {
        vec sum = {0};
        for (long j = 0; j < terms; j++) sum += weight[j] * *(const vec *)(k + j * stride + i);
        *(vec *)(out + i) = *(const vec *)(y + i) + h * sum;
    }
}

/* y advances by h; the records of the stages are left behind. */
static void step(const Problem *p, Workspace *w, long count, real h, real *y, real *records)
{
    const long size = count * K, stride = count * RECORD;
    const real *k = records + count * INPUTS;
    for (long i = 0; i < p->stages; i++) {
        real *record = records + i * stride, *state = BILINEAR ? w->kappa : record;
        combine(size, state, y, i, p->a + i * p->stages, h, k, stride);
        if (BILINEAR) features(count, state, record);
        evaluate(&w->weights, count, record);
    }
    combine(size, y, y, p->stages, p->b, h, k, stride);
}

static double inner(long size, const real *x, const real *y)
{
    double sum = 0;
    for (long i = 0; i < size; i++) sum += (double)x[i] * y[i];
    return sum;
}

/* λ goes back by one step: κ_i = h (b_i λ + Σ_{j>i} a_ji μ_j), μ_i = f_y(Y_i)ᵀ κ_i, λ += Σ μ_i. */
static void step_adjoint(const Problem *p, Workspace *w, long count, real h, const real *records)
{
    const long size = count * K, stride = count * RECORD, stages = p->stages;
    real *lambda = w->state;
    for (long i = stages - 1; i >= 0; i--) {
        const real *record = records + i * stride, *k = records + count * INPUTS;
        real *mu = w->stages + i * size;
        for (long e = 0; e < size; e += LANES) {
            vec sum = p->b[i] * *(vec *)(lambda + e);
            for (long j = i + 1; j < stages; j++) sum += p->a[j * stages + i] * *(vec *)(w->stages + j * size + e);
            *(vec *)(w->kappa + e) = h * sum;
        }
        evaluate_adjoint(w, count, record, p->gradients != 0);
        if (BILINEAR) features_adjoint(count, record, w->delta0, mu);
        else memcpy(mu, w->delta0, size * sizeof(real));
        if (!p->tableau) continue;
        for (long j = 0; j < i; j++) p->tableau[i * stages + j] += h * inner(size, mu, k + j * stride);
        p->tableau[stages * stages + i] += h * inner(size, lambda, k + i * stride);
    }
    for (long i = 0; i < stages * size; i += LANES) *(vec *)(lambda + i % size) += *(vec *)(w->stages + i);
}

/* ---- a block of samples through all steps ------------------------------------------------------------------------ */

static void add_rows(long count, const real *rows, real *padded)
{
    for (long s = 0; s < count; s++)
        for (int i = 0; i < STATE; i++) padded[s * K + i] += rows[s * STATE + i];
}

static void store_rows(long count, const real *padded, real *rows)
{
    for (long s = 0; s < count; s++)
        for (int i = 0; i < STATE; i++) rows[s * STATE + i] = padded[s * K + i];
}

static void march(const Problem *p, Workspace *w, long count, const real *y0, real *path, real *tape)
{
    const long interval = p->batch * STATE, size = count * fused_tape_size(p->stages, p->stored);
    real *y = w->state, *records = w->stages + p->stages * count * K;
    memset(y, 0, count * K * sizeof(real));
    add_rows(count, y0, y);
    store_rows(count, y, path);
    for (long n = 0; n < p->intervals; n++) {
        for (long m = 0; m < p->substeps; m++) {
            if (tape && !p->stored) memcpy(tape, y, count * K * sizeof(real));
            step(p, w, count, p->h[n], y, tape && p->stored ? tape : records);
            if (tape) tape += size;
        }
        store_rows(count, y, path += interval);
    }
}

static void march_adjoint(const Problem *p, Workspace *w, long count, const real *path_gradient, const real *tape,
                          real *y0_gradient)
{
    const long interval = p->batch * STATE, size = count * fused_tape_size(p->stages, p->stored);
    real *records = w->stages + p->stages * count * K;
    memset(w->state, 0, count * K * sizeof(real));
    tape += size * p->intervals * p->substeps;
    path_gradient += interval * p->intervals;
    for (long n = p->intervals - 1; n >= 0; n--, path_gradient -= interval) {
        add_rows(count, path_gradient, w->state);
        for (long m = 0; m < p->substeps; m++) {
            tape -= size;
            if (!p->stored) {
                memcpy(w->delta0, tape, count * K * sizeof(real));
                step(p, w, count, p->h[n], w->delta0, records);
            }
            step_adjoint(p, w, count, p->h[n], p->stored ? tape : records);
        }
    }
    add_rows(count, path_gradient, w->state);
    store_rows(count, w->state, y0_gradient);
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static void pack_all(const Problem *p, Weights *w)
{
    memset(w, 0, sizeof *w);
#define PACK(l, in, out)                                                                                               \
    pack(in, out, p->parameters + 2 * l, l == LAST ? p->rate : 0, w->forward##l[0], w->backward##l[0], w->bias##l);
    LAYERS(PACK)
}

/* path [intervals + 1, batch, STATE] from y0 [batch, STATE]. The tape, of fused_tape_size numbers per step and sample,
   is what fused_adjoint needs; 0 keeps nothing. */
void fused_integrate(const Problem *p, const real *y0, real *path, real *tape, Workspace *w)
{
    const long steps = p->intervals * p->substeps * fused_tape_size(p->stages, p->stored);
    pack_all(p, &w->weights);
    for (long s = 0; s < p->batch; s += BLOCK)
        march(p, w, SMALLER(BLOCK, p->batch - s), y0 + s * STATE, path + s * STATE, tape ? tape + s * steps : 0);
}

/* From ∂L/∂path to ∂L/∂y0; adds to the gradients of the parameters and, if wanted, of a and then b. */
void fused_adjoint(const Problem *p, const real *path_gradient, const real *tape, real *y0_gradient, Workspace *w)
{
    const long steps = p->intervals * p->substeps * fused_tape_size(p->stages, p->stored);
    pack_all(p, &w->weights);
    for (long s = 0; s < p->batch; s += BLOCK) {
        memset(&w->gradients, 0, sizeof w->gradients); /* sums per block first: less rounding */
        march_adjoint(p, w, SMALLER(BLOCK, p->batch - s), path_gradient + s * STATE, tape + s * steps,
                      y0_gradient + s * STATE);
        if (!p->gradients) continue;
#define UNPACK(l, in, out)                                                                                             \
    unpack(in, out, p->gradients + 2 * l, l == LAST ? p->rate : 0, w->gradients.weight##l[0], w->gradients.bias##l);
        LAYERS(UNPACK)
    }
}
