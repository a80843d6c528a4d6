/* One time step of a block of cells of air (air_network.py, air_emulator.py, air_features.py).
 *
 * Concentrations relax at frequencies and towards steady states that dense networks tell, after what is emitted has been
 * added; a projection restores the conserved families. Rows of x: temperature, pressure, concentrations, photolysis,
 * emissions, time step.
 */

enum { OK, FROZEN, OUT_OF_DOMAIN, CLIPPED };
enum { NUMBERS = 9, STATE = NUMBERS + SEEN, INPUT = STATE + POOLS, OUTPUT = SEEN + ACTIVE };
enum { T = 0, P = 1, C = 2, LIGHT = 2 + SPECIES, EMITTED = 3 + SPECIES, DT = 3 + 2 * SPECIES };

typedef struct {
    double seen[STATE][BLOCK], guarded[FEATURES][BLOCK], before[ACTIVE][BLOCK];
    real scaled[INPUT][BLOCK], found[MEMBERS][PADDED(OUTPUT)][BLOCK], room[2][ROOM * BLOCK];
} ALIGNED Scratch;

static dvec given(double (*x)[BLOCK], int row, int g) { return load(x[row] + g); }

/* What networks and guard see of the cells from lane g on; the guard has traces of its own. */
static void look(double (*x)[BLOCK], int g, Scratch *s)
{
    const dvec t = given(x, T, g), p = given(x, P, g), light = given(x, LIGHT, g), dt = given(x, DT, g);
    dvec strength = same(0), unlike = same(0), vapour = VAPOUR < 0 ? same(0) : at_least(given(x, C + VAPOUR, g), 0);
    for (int k = 0; k < SPECIES; k++) strength += given(x, EMITTED + k, g) / SHIPPED;
    for (int k = 0; k < SPECIES; k++) unlike += size(given(x, EMITTED + k, g) / SHIPPED - strength * SHARE[k]);
    const dvec row[] = {
        t / TEMPERATURE, 1 / (t / TEMPERATURE), dlog(p / PRESSURE), dlog(vapour * (GAS_CONSTANT * t / p) + DRY),
        light, dlog(light + DIM), dlog(light + DARK), dlog(strength + CLEAN), dlog(at_least(dt / TIME, 1e-30)),
    };
    for (int k = 0; k < NUMBERS; k++) store(s->seen[k] + g, row[k]), store(s->guarded[k] + g, row[k]);
    for (int k = 0; k < ACTIVE; k++) {
        const dvec before = at_least(given(x, C + COLUMN[k], g), 0) + given(x, EMITTED + COLUMN[k], g) * dt;
        store(s->before[k] + g, before);
        if (k >= SEEN) continue;
        store(s->seen[NUMBERS + k] + g, dlog(before + TRACE[k]));
        store(s->guarded[NUMBERS + k] + g, dlog(before + GUARD_TRACE));
    }
    store(s->guarded[STATE] + g, unlike);
}

/* Standardised features and pools, in the precision of the networks. */
static void standardise(int g, Scratch *s)
{
    dvec amount[SEEN];
    for (int k = 0; k < SEEN; k++) amount[k] = load(s->before[k] + g) + TRACE[k];
    for (int k = 0; k < INPUT; k++) {
        dvec value;
        if (k < STATE) value = (load(s->seen[k] + g) - MEAN[k]) / STD[k];
        else value = (dlog(sum_of(SEEN, POOL[k - STATE], amount)) - POOL_MEAN[k - STATE]) / POOL_STD[k - STATE];
        for (int l = 0; l < D; l++) s->scaled[k][g + l] = (real)LANE(value, l);
    }
}

/* Concentrations of the active species after their time step, mean of the members; how far these differ in spread. */
static void moved(const Scratch *s, int g, dvec dt, dvec *after, dvec *spread)
{
    *spread = same(0);
    for (int k = 0; k < ACTIVE; k++) {
        dvec each[MEMBERS], mean = same(0), middle = same(0), squares = same(0), before = load(s->before[k] + g);
        for (int m = 0; m < MEMBERS; m++) {
            dvec frequency = same(AT_ONCE);
            if (k < SEEN) {
                const dvec speed = USUAL[k] + FOLDS * widened(s->found[m][k] + g);
                frequency = dexp(at_most(at_least(speed, SLOWEST), FASTEST));
            }
            const dvec steady = at_most(2 * STD[NUMBERS + k] * widened(s->found[m][SEEN + k] + g), ABOVE);
            each[m] = before - dexp_less(-frequency * (dt / TIME), 1) * (dexp(MEAN[NUMBERS + k] + steady) - before);
            mean += each[m] / MEMBERS;
        }
        after[k] = mean;
        for (int m = 0; MEMBERS > 1 && m < MEMBERS; m++)
            each[m] = dlog(each[m] + TRACE[k]), middle += each[m] / MEMBERS;
        for (int m = 0; MEMBERS > 1 && m < MEMBERS; m++) squares += (each[m] - middle) * (each[m] - middle);
        if (MEMBERS > 1) *spread = larger(*spread, squares / (MEMBERS > 1 ? MEMBERS - 1 : 1));
    }
    *spread = dsqrt(*spread);
}

/* The cells from lane g on, after their step; cells without an answer stay as they were. */
static void finish(double (*x)[BLOCK], int g, Scratch *s, double (*y)[BLOCK], double *status)
{
    dvec after[ACTIVE], before[ACTIVE], spread, correction, sum = same(0);
    moved(s, g, given(x, DT, g), after, &spread);
    for (int k = 0; k < ACTIVE; k++) before[k] = load(s->before[k] + g);
    const dmask limited = project(after, before, &correction);
    dmask doubted = IS(correction > LARGEST_CORRECTION) | IS(spread > LARGEST_SPREAD) | ~at_home(s->guarded, g);
    for (int k = 0; k < ABSENT_SPECIES; k++) doubted |= IS(given(x, C + MISSING[k], g) > 0);
    dmask undershot = IS(same(0) != 0);
    for (int k = 0; k < ACTIVE; k++) undershot |= IS(given(x, C + COLUMN[k], g) < -UNDERSHOOT * TRACE[k]);
    for (int k = 0; k < SPECIES; k++) store(y[k] + g, at_least(given(x, C + k, g), 0));
    for (int k = 0; k < ACTIVE; k++) store(y[COLUMN[k]] + g, after[k]);
    for (int k = 0; k < SPECIES; k++) sum += load(y[k] + g);
    const dmask sound = finite(sum) & ~undershot & IS(given(x, DT, g) >= 0) & finite(given(x, DT, g));
    for (int k = 0; k < SPECIES; k++) store(y[k] + g, choose(sound, load(y[k] + g), given(x, C + k, g)));
    dvec said = choose(limited, same(CLIPPED), choose(doubted, same(OUT_OF_DOMAIN), same(OK)));
    store(status + g, choose(sound, said, same(OUT_OF_DOMAIN)));
}

static void answer(int cells, double (*x)[BLOCK], const double *option, int in_float, double (*y)[BLOCK],
                   double *status)
{
    Scratch s;
    (void)option, (void)in_float;
    for (int g = 0; g < cells; g += D) look(x, g, &s), standardise(g, &s);
    for (int m = 0; m < MEMBERS; m++) {
        memcpy(s.room[0], s.scaled, sizeof s.scaled);
        const real *found = network(cells, LAYERS, DENSE[m], SILU, s.room, INPUT, s.scaled[0]);
        memcpy(s.found[m], found, sizeof(real) * OUTPUT * BLOCK);
    }
    for (int g = 0; g < cells; g += D) finish(x, g, &s, y, status);
}
