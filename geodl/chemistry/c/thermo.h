/* Enthalpy and temperature of mixtures (thermo.py): between two breaks the enthalpy of a mixture is one polynomial of
 * T, whose coefficients are linear in the mass fractions. For reactors of constant volume, the internal energy.
 *
 * Tables: THERMO [BREAKS + 6 (BREAKS + 1)][SPECIES], rows that give values at the breaks, then the coefficients of all
 * intervals; BREAK [BREAKS + 1], their temperatures and the highest of all; COLDEST, the lowest that is looked for.
 */

enum { TERMS = 6, MOST_STEPS = 50 };
static const double LAST_STEP = 1e-8; /* as a share of T; the error that it leaves is its square times 1e-4 / K */

static void choose_terms(const dvec *y, const dmask *above, dvec *terms)
{
    for (int k = 0; k < TERMS; k++) {
        terms[k] = sum_of(SPECIES, THERMO[BREAKS + k], y);
        for (int b = 0; b < BREAKS; b++)
            terms[k] = choose(above[b], sum_of(SPECIES, THERMO[BREAKS + TERMS * (b + 1) + k], y), terms[k]);
    }
}

static dvec energy_of(const dvec *y, dvec t)
{
    dmask above[BREAKS + 1];
    dvec terms[TERMS], value;
    for (int b = 0; b < BREAKS; b++) above[b] = IS(t > BREAK[b]);
    choose_terms(y, above, terms);
    value = terms[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--) value = dfma(value, t, terms[k]);
    return value;
}

/* The temperature at which a mixture has an energy, NaN where there is none. */
static dvec temperature_of(const dvec *y, dvec wanted, dvec t)
{
    dmask above[BREAKS + 1];
    dvec terms[TERMS], low = same(COLDEST), high = same(BREAK[0]);
    for (int b = 0; b < BREAKS; b++) {
        above[b] = IS(wanted > sum_of(SPECIES, THERMO[b], y));
        low = choose(above[b], same(BREAK[b]), low);
        high = choose(above[b], same(BREAK[b + 1]), high);
    }
    choose_terms(y, above, terms);
    t = smaller(larger(t, low), high);
    dmask moving = IS(t == t);
    for (int k = 0; k < MOST_STEPS && any(moving); k++) {
        dvec value = terms[TERMS - 1], slope = value, next;
        value = dfma(value, t, terms[TERMS - 2]);
        for (int i = TERMS - 3; i >= 0; i--) {
            slope = dfma(slope, t, value);
            value = dfma(value, t, terms[i]);
        }
        next = smaller(larger(t + (wanted - value) / slope, low), high);
        dmask moved = IS(size(next - t) > LAST_STEP * next);
        t = choose(moving, next, t);
        moving &= moved;
    }
    dmask stopped = IS(t < COLDEST * (1 + LAST_STEP)) | IS(t > BREAK[BREAKS] * (1 - LAST_STEP)) | moving | none(wanted);
    return choose(stopped, same(NAN), t);
}
