/* Products of vectors with the Jacobian of a dense network, in double, one cell after another.
 *
 * LAYERS, STRAIGHT: of the network; STRAIGHT inputs come once more after those of the last layer.
 */

static double slope_of(double x, const Activation kind)
{
    const double sigmoid = 1 / (1 + exp(-x)), half = 0.5 * erfc(-x * 0.70710678118654752440);
    if (kind == TANH) return 1 - tanh(x) * tanh(x);
    if (kind == SILU) return sigmoid * (1 + x * (1 - sigmoid));
    if (kind == RELU) return x > 0;
    if (kind == GELU) return half + x * 0.39894228040143267794 * exp(-x * x / 2);
    return 1;
}

static double value_of(double x, const Activation kind)
{
    if (kind == TANH) return tanh(x);
    if (kind == SILU) return x / (1 + exp(-x));
    if (kind == RELU) return x > 0 ? x : 0;
    if (kind == GELU) return 0.5 * x * erfc(-x * 0.70710678118654752440);
    return x;
}

/* y [PADDED(outputs)] = W x, and the biases once. */
static void times_weights(const Layer *l, double bias, const double *x, double *y)
{
    const real *w = l->weights;
    for (int o = 0; o < l->outputs; o += TILE) {
        for (int r = 0; r < TILE; r++, w++) y[o + r] = bias * *w;
        for (int i = 0; i < l->inputs; i++)
            for (int r = 0; r < TILE; r++, w++) y[o + r] += *w * x[i];
    }
}

/* x [inputs] = W' y, of y [PADDED(outputs)]. */
static void times_transposed(const Layer *l, const double *y, double *x)
{
    const real *w = l->weights;
    memset(x, 0, sizeof *x * l->inputs);
    for (int o = 0; o < l->outputs; o += TILE) {
        w += TILE;
        for (int i = 0; i < l->inputs; i++)
            for (int r = 0; r < TILE; r++, w++) x[i] += *w * y[o + r];
    }
}

/* Outputs y and their change dy when inputs x change by dx; each of dx and dy may be 0. slope: of all activations, or 0. */
static void forward(const Layer *l, const Activation kind, const double *x, const double *dx, double *y, double *dy,
                    double (*slope)[ROOM])
{
    double at[ROOM], change[ROOM] = {0}, after[ROOM], moved[ROOM] = {0};
    const int inputs = l->inputs;
    memcpy(at, x, sizeof *x * inputs);
    if (dx) memcpy(change, dx, sizeof *dx * inputs);
    for (int k = 0; k < LAYERS; k++, l++) {
        const Activation own = k + 1 < LAYERS ? kind : LINEAR;
        if (k + 1 == LAYERS && STRAIGHT) {
            memcpy(at + l->inputs - inputs, x, sizeof *x * inputs);
            if (dx) memcpy(change + l->inputs - inputs, dx, sizeof *dx * inputs);
        }
        times_weights(l, 1, at, after);
        if (dx) times_weights(l, 0, change, moved);
        for (int o = 0; o < l->outputs; o++) {
            const double steep = slope_of(after[o], own);
            if (slope) slope[k][o] = steep;
            at[o] = value_of(after[o], own), change[o] = steep * moved[o];
        }
    }
    if (y) memcpy(y, at, sizeof *y * l[-1].outputs);
    if (dy) memcpy(dy, change, sizeof *dy * l[-1].outputs);
}

/* Gradient gx by the inputs of the sum of outputs weighted with gy. */
static void backward(const Layer *l, const Activation kind, const double *x, const double *gy, double *gx)
{
    double slope[LAYERS][ROOM], at[ROOM] = {0}, before[ROOM];
    const int inputs = l->inputs;
    forward(l, kind, x, 0, 0, 0, slope);
    memcpy(at, gy, sizeof *gy * l[LAYERS - 1].outputs);
    memset(gx, 0, sizeof *gx * inputs);
    for (int k = LAYERS - 1; k >= 0; k--) {
        for (int o = 0; o < PADDED(l[k].outputs); o++) at[o] *= o < l[k].outputs ? slope[k][o] : 0;
        times_transposed(l + k, at, before);
        if (k + 1 == LAYERS && STRAIGHT)
            for (int i = 0; i < inputs; i++) gx[i] += before[l[k].inputs - inputs + i];
        memset(at, 0, sizeof at);
        memcpy(at, before, sizeof *at * (k ? l[k - 1].outputs : 0));
    }
    for (int i = 0; i < inputs; i++) gx[i] += before[i];
}
