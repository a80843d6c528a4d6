/* The domain of validity (guard.py).
 *
 * Tables: GUARD_MIDDLE and GUARD_REACH, middle and half width of what is accepted of each feature; GUARD_MEAN;
 * GUARD_WHITEN, an upper triangle by columns; GUARD_FARTHEST, a squared distance.
 */

/* Squared length of what an upper triangle, by columns, makes of [FEATURES]. */
static dvec whitened(const double *triangle, const dvec *away)
{
    dvec far = same(0);
    for (int k = 0; k < FEATURES; triangle += ++k) {
        const dvec along = sum_of(k + 1, triangle, away);
        far = dfma(along, along, far);
    }
    return far;
}

/* True where the guard trusts what it sees [FEATURES][BLOCK], of the cells from lane g on: within the range of every
   feature, and near enough to the mean of all. */
static dmask at_home(double (*seen)[BLOCK], int g)
{
    dvec away[FEATURES];
    dmask within = IS(same(0) == 0);
    for (int k = 0; k < FEATURES; k++) {
        dvec x = load(seen[k] + g);
        within &= IS(size(x - GUARD_MIDDLE[k]) <= GUARD_REACH[k]);
        away[k] = x - GUARD_MEAN[k];
    }
    return within & IS(whitened(GUARD_WHITEN, away) <= GUARD_FARTHEST);
}
