/* One time step of a block of reacting cells (kinetics_network.py, emulator.py).
 *
 * Roots u = Y^0.1 relax at rates and towards targets that dense networks tell, a projection restores the elements, and
 * temperature follows from what the cell keeps of energy.
 */

enum { OK, FROZEN, OUT_OF_DOMAIN, CLIPPED };
enum { NUMBERS = 4, PRESSURE_COLUMN = 2 };

typedef struct {
    double t[BLOCK], p[BLOCK], dt[BLOCK], y[SPECIES][BLOCK];
    double parts[BLOCK], status[BLOCK], moved[BLOCK]; /* parts of the time step that are left, and 1 if it did move */
} ALIGNED Cells;

typedef struct {
    double seen[FEATURES][BLOCK];
    real scaled[FEATURES][BLOCK], speed[MEMBERS][2 * ACTIVE + TILE][BLOCK], known[BLOCK];
    real room[2][ROOM * BLOCK];
} ALIGNED Scratch;

static INLINE dvec tenth_power(dvec root)
{
    dvec square = at_least(root, FLOOR_ROOT);
    square = square * square;
    dvec fourth = square * square;
    return fourth * fourth * square;
}

/* What networks and guard see of the cells from lane g on: their state, elements, and energy. */
static void look(const Cells *c, int g, Scratch *s)
{
    dvec y[SPECIES], active[ACTIVE], amount[ELEMENTS], t = load(c->t + g) / TEMPERATURE, row[NUMBERS];
    for (int k = 0; k < SPECIES; k++) y[k] = load(c->y[k] + g);
    for (int k = 0; k < ACTIVE; k++) active[k] = y[COLUMN[k]];
    row[0] = t, row[1] = 1 / t;
    row[2] = dlog(load(c->p + g) / PRESSURE), row[3] = dlog(at_least(load(c->dt + g) * PER_TIME, 1e-30));
    for (int k = 0; k < NUMBERS; k++) store(s->seen[k] + g, row[k]);
    for (int k = 0; k < ACTIVE; k++) store(s->seen[NUMBERS + k] + g, dexp(0.1 * dlog(at_least(active[k], FLOOR))));
    amounts(active, amount);
    for (int e = 0; e < ELEMENTS; e++) store(s->seen[STATE + e] + g, amount[e]);
    store(s->seen[FEATURES - 1] + g, energy_of(y, load(c->t + g)) / ENERGY);
}

/* Standardised features, in the precision of the networks. */
static void standardise(Scratch *s)
{
    for (int k = 0; k < FEATURES; k++)
        for (int l = 0; l < BLOCK; l++) s->scaled[k][l] = (real)((s->seen[k][l] - MEAN[k]) * PER_STD[k]);
}

/* How alike to those of training the cells are: log odds above their limit, of the less familiar of state and what it
   keeps. */
static void recognise(int cells, Scratch *s)
{
    real *x = s->room[0];
    memcpy(x, s->scaled, sizeof(real) * STATE * BLOCK);
    const real *state = network(cells, 3, DOMAIN, SILU, s->room, 0, 0);
    for (int l = 0; l < BLOCK; l++) s->known[l] = state[l] - (real)DOMAIN_LEAST;
    memcpy(x, s->scaled[FEATURES - 1], sizeof s->scaled[0]);
    memcpy(x + BLOCK, s->scaled[PRESSURE_COLUMN], sizeof s->scaled[0]);
    memcpy(x + 2 * BLOCK, s->scaled[STATE], sizeof(real) * ELEMENTS * BLOCK);
    const real *kept = network(cells, 3, BUDGET, SILU, s->room, 0, 0);
    for (int l = 0; l < BLOCK; l++) {
        real budget = kept[l] - (real)BUDGET_LEAST;
        s->known[l] = budget < s->known[l] || budget != budget ? budget : s->known[l];
    }
}

static void dense_networks(int cells, Scratch *s)
{
    for (int m = 0; m < MEMBERS; m++) {
        memcpy(s->room[0], s->scaled, sizeof s->scaled);
        const real *found = network(cells, LAYERS, DENSE[m], SILU, s->room, FEATURES, s->scaled[0]);
        memcpy(s->speed[m], found, sizeof(real) * 2 * ACTIVE * BLOCK);
    }
}

/* Change of every root within dt, mean of the members; their largest standard deviation in spread. */
static void change_of(const Scratch *s, int g, dvec dt, dvec *change, dvec *spread)
{
    *spread = same(0);
    for (int k = 0; k < ACTIVE; k++) {
        dvec each[MEMBERS], mean = same(0), squares = same(0), root = load(s->seen[NUMBERS + k] + g);
        for (int m = 0; m < MEMBERS; m++) {
            dvec speed = widened(s->speed[m][k] + g), target = widened(s->speed[m][ACTIVE + k] + g);
            dvec rate = dexp(at_most(at_least(FOLDS * speed, SLOWEST), FASTEST));
            dvec goal = MEAN[NUMBERS + k] + TWICE_STD[k] * target;
            each[m] = -dexp_less(-rate * (dt * PER_TIME), 1) * (goal - root);
            mean += each[m];
        }
        change[k] = mean = mean / MEMBERS;
        for (int m = 0; m < MEMBERS; m++) squares += (each[m] - mean) * (each[m] - mean);
        if (MEMBERS > 1) *spread = larger(*spread, squares / (MEMBERS > 1 ? MEMBERS - 1 : 1));
    }
    if (MEMBERS > 1) *spread = dsqrt(*spread);
}

/* The cells from lane g on, after their step; cells without an answer stay as they were. */
static void finish(Cells *c, int g, Scratch *s)
{
    dvec t = load(c->t + g), p = load(c->p + g), dt = load(c->dt + g), y[SPECIES], before[ACTIVE], raw[ACTIVE];
    dvec change[ACTIVE], spread, correction, known, sum = same(0);
    change_of(s, g, dt, change, &spread);
    for (int k = 0; k < SPECIES; k++) y[k] = load(c->y[k] + g);
    for (int k = 0; k < ACTIVE; k++) {
        dvec root = load(s->seen[NUMBERS + k] + g);
        before[k] = y[COLUMN[k]];
        dvec reached = at_least(before[k] + (tenth_power(root + change[k]) - tenth_power(root)), 0);
        raw[k] = choose(IS(change[k] == 0), before[k], reached);
    }
    dmask limited = project(raw, before, &correction);
    for (int k = 0; k < ACTIVE; k++) y[COLUMN[k]] = raw[k];
    const dmask frozen = IS(t < FROZEN_BELOW);
    dvec heated = temperature_of(y, load(s->seen[FEATURES - 1] + g) * ENERGY, t);
    for (int k = 0; k < SPECIES; k++) sum += choose(frozen, load(c->y[k] + g), y[k]);
    known = widened(s->known + g);

    const dmask still = IS(dt == 0), lost = none(heated);
    const dmask familiar = IS(known >= 0) & IS(correction <= LARGEST_CORRECTION) & IS(spread <= LARGEST_SPREAD);
    const dmask sound = finite(sum) & IS(t > 0) & finite(t) & IS(p > 0) & finite(p);
    dvec status = choose((familiar & at_home(s->seen, g)) | still, same(OK), same(OUT_OF_DOMAIN));
    status = choose(frozen, same(FROZEN), choose(limited | lost, same(CLIPPED), status));
    status = choose(sound, status, same(OUT_OF_DOMAIN));
    const dmask due = IS(load(c->parts + g) > 0), moves = due & sound & ~frozen & ~lost & ~still;
    store(c->t + g, choose(moves, heated, t));
    for (int k = 0; k < SPECIES; k++) store(c->y[k] + g, choose(moves, y[k], load(c->y[k] + g)));
    store(c->moved + g, choose(moves, same(1), load(c->moved + g)));
    store(c->status + g, choose(due, larger(load(c->status + g), status), load(c->status + g)));
    store(c->parts + g, load(c->parts + g) - 1);
}

static void step(int cells, Cells *c, Scratch *s)
{
    for (int g = 0; g < cells; g += D) look(c, g, s);
    standardise(s);
    dense_networks(cells, s);
    recognise(cells, s);
    for (int g = 0; g < cells; g += D) finish(c, g, s);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* For cells that came in float: amounts of elements with two bits fewer than float has, so that rounding to float finds
   them again (settled). */
static void settle(Cells *c, int g)
{
    dvec active[ACTIVE], missing[ELEMENTS], change[ACTIVE];
    for (int k = 0; k < ACTIVE; k++) active[k] = load(c->y[COLUMN[k]] + g);
    amounts(active, missing);
    for (int e = 0; e < ELEMENTS; e++) {
        dvec wanted = DNUMBER((DBITS(missing[e]) + (UINT64_C(1) << 30)) & (UINT64_MAX << 31));
        missing[e] = wanted - missing[e];
    }
    relative_change(active, missing, change);
    dmask slight = IS(same(0) == 0);
    for (int k = 0; k < ACTIVE; k++) slight &= IS(size(change[k]) < SLIGHT) | IS(active[k] == 0);
    slight &= IS(load(c->parts + g) > 0);
    for (int k = 0; k < ACTIVE; k++)
        store(c->y[COLUMN[k]] + g, choose(slight, dfma(active[k], change[k], active[k]), active[k]));
}

/* Parts of the time steps, and which cells are none: those stay as they are. */
static void prepare(Cells *c, double longest)
{
    for (int l = 0; l < BLOCK; l++) {
        double sum = 0, least = 0, dt = c->dt[l], parts = longest > 0 ? ceil(dt / longest) : 1;
        for (int k = 0; k < SPECIES; k++) {
            sum += c->y[k][l];
            least = c->y[k][l] < least ? c->y[k][l] : least;
            c->y[k][l] = c->y[k][l] < 0 ? 0 : c->y[k][l];
        }
        int sound = fabs(sum - 1) <= SUM_TOLERANCE && least >= -NEGATIVE_TOLERANCE && dt >= 0 && dt < INFINITY;
        parts = parts < 1 ? 1 : parts > MOST_PARTS ? MOST_PARTS : parts;
        c->parts[l] = sound ? parts : 0;
        c->status[l] = sound ? OK : OUT_OF_DOMAIN;
        c->dt[l] = sound ? dt / parts : 0;
        c->moved[l] = 0;
    }
}

/* Rows of x: temperature, pressure, mass fractions, time step; of y: temperature, mass fractions. */
static void answer(int cells, double (*x)[BLOCK], const double *longest, int in_float, double (*y)[BLOCK],
                   double *status)
{
    Cells c;
    Scratch s;
    double most = 0;
    memcpy(c.t, x, sizeof c.t), memcpy(c.p, x + 1, sizeof c.p), memcpy(c.y, x + 2, sizeof c.y);
    memcpy(c.dt, x + 2 + SPECIES, sizeof c.dt);
    prepare(&c, *longest);
    for (int l = 0; l < BLOCK; l++) most = c.parts[l] > most ? c.parts[l] : most;
    for (int k = 0; k < most; k++) {
        for (int g = 0; in_float && g < cells; g += D) settle(&c, g);
        step(cells, &c, &s);
    }
    for (int l = 0; l < BLOCK; l++) {
        const int moved = c.moved[l] != 0;
        status[l] = c.status[l];
        y[0][l] = moved ? c.t[l] : x[0][l];
        for (int k = 0; k < SPECIES; k++) y[1 + k][l] = moved ? c.y[k][l] : x[2 + k][l];
    }
}
