/* The nearest composition with the elements of another one: exact, positive, by factors near one (projection.py).
 *
 * Tables: ELEMENT [ELEMENTS][ACTIVE], kmol of an element in one kg of a species; PAIR, products of two of its rows;
 * COUNTING, 1 where a species cannot form without an element. Limits: as in projection.py.
 */

/* Of what is conserved, in a composition. */
static void amounts(const dvec *composition, dvec *amount)
{
    for (int e = 0; e < ELEMENTS; e++) amount[e] = sum_of(ACTIVE, ELEMENT[e], composition);
}

/* A symmetric system by LDL', lower triangle by rows; x goes in with the right side. */
static void solve(dvec *lower, dvec *x)
{
#define AT(i, j) lower[(i) * ((i) + 1) / 2 + (j)]
    dvec least[ELEMENTS], column[ELEMENTS];
    for (int k = 0; k < ELEMENTS; k++) least[k] = SINGULAR * at_least(AT(k, k), LEAST);
    for (int k = 0; k < ELEMENTS; k++) {
        dvec pivot = larger(AT(k, k), least[k]);
        for (int i = k + 1; i < ELEMENTS; i++) column[i] = AT(i, k) / pivot;
        for (int i = k + 1; i < ELEMENTS; i++) {
            for (int j = k + 1; j <= i; j++) AT(i, j) -= column[i] * AT(j, k);
            x[i] -= column[i] * x[k];
        }
        x[k] = x[k] / pivot;
        for (int i = k + 1; i < ELEMENTS; i++) AT(i, k) = column[i];
    }
    for (int k = ELEMENTS - 1; k >= 0; k--)
        for (int i = k + 1; i < ELEMENTS; i++) x[k] -= AT(i, k) * x[i];
#undef AT
}

/* Relative change of every species that makes up for missing amounts. */
static void relative_change(const dvec *weight, dvec *missing, dvec *change)
{
    dvec gram[ELEMENTS * (ELEMENTS + 1) / 2];
    for (int k = 0; k < ELEMENTS * (ELEMENTS + 1) / 2; k++) gram[k] = sum_of(ACTIVE, PAIR[k], weight);
    solve(gram, missing);
    for (int s = 0; s < ACTIVE; s++) {
        change[s] = same(0);
        for (int e = 0; e < ELEMENTS; e++) change[s] = dfma(same(ELEMENT[e][s]), missing[e], change[s]);
    }
}

static dmask too_small(const dvec *change)
{
    dmask found = IS(change[0] < SMALLEST_FACTOR - 1);
    for (int s = 1; s < ACTIVE; s++) found |= IS(change[s] < SMALLEST_FACTOR - 1);
    return found;
}

/* What is missing of the elements of the composition before. */
static void missing_amounts(const dvec *y, const dvec *before, dvec *missing)
{
    dvec difference[ACTIVE];
    for (int s = 0; s < ACTIVE; s++) difference[s] = before[s] - y[s];
    amounts(difference, missing);
}

/* No species forms of an element that a cell does not have. */
static void without_absent(dvec *raw, const dvec *before)
{
    dvec amount[ELEMENTS];
    dmask anything = IS(same(0) != 0);
    amounts(before, amount);
    for (int e = 0; e < ELEMENTS; e++) anything |= IS(size(amount[e]) < ABSENT);
    if (!any(anything)) return;
    for (int e = 0; e < ELEMENTS; e++) {
        dmask absent = IS(size(amount[e]) < ABSENT);
        for (int s = 0; s < ACTIVE; s++)
            if (COUNTING[e][s]) raw[s] = choose(absent, before[s], raw[s]);
    }
}

/* Where a composition has not the elements of the one before, which it then becomes; and its correction. */
static dmask verified(dvec *y, const dvec *before, const dvec *start, dvec *correction)
{
    dmask wrong = IS(same(0) != 0);
    for (int e = 0; e < ELEMENTS; e++) {
        dvec error = same(0), scale = same(0);
        for (int s = 0; s < ACTIVE; s++) {
            error = dfma(same(ELEMENT[e][s]), y[s] - before[s], error);
            scale = dfma(same(fabs(ELEMENT[e][s])), y[s] + before[s], scale);
        }
        wrong |= IS(size(error) > EXACT * scale);
    }
    *correction = same(0);
    for (int s = 0; s < ACTIVE; s++) {
        y[s] = choose(wrong, before[s], y[s]);
        dvec factor = choose(IS(start[s] < LEAST), same(1), y[s] / start[s]);
        *correction = larger(*correction, size(factor - 1));
    }
    return wrong;
}

/* Corrects raw to the elements of the composition before. correction: the largest relative one. Returns where it had
   to be limited. */
static dmask project(dvec *raw, const dvec *before, dvec *correction)
{
    dvec change[ACTIVE], start[ACTIVE], missing[ELEMENTS];
    without_absent(raw, before);
    memcpy(start, raw, sizeof start);
    missing_amounts(raw, before, missing);
    relative_change(raw, missing, change);
    dmask left = too_small(change);
    for (int k = 1; k < SWEEPS && any(left); k++) {
        dvec again[ACTIVE];
        for (int s = 0; s < ACTIVE; s++)
            raw[s] = choose(left, raw[s] * (1 + at_least(change[s], SMALLEST_FACTOR - 1)), raw[s]);
        missing_amounts(raw, before, missing);
        relative_change(raw, missing, again);
        for (int s = 0; s < ACTIVE; s++) change[s] = choose(left, again[s], change[s]);
        left = too_small(change);
    }
    /* y + y change rounds once, y (1 + change) twice: over many steps it shows. */
    dmask limited = IS(same(0) != 0);
    dvec share = same(1);
    for (int s = 0; s < ACTIVE; s++) {
        raw[s] = dfma(raw[s], change[s], raw[s]);
        dmask negative = IS(raw[s] < 0);
        limited |= negative;
        share = choose(negative, smaller(share, before[s] / (before[s] - raw[s])), share);
    }
    if (any(limited))
        for (int s = 0; s < ACTIVE; s++)
            raw[s] = choose(limited, at_least(dfma(share, raw[s] - before[s], before[s]), 0), raw[s]);
    return limited | verified(raw, before, start, correction);
}
