/* Second-order tensors of a vector of cells: nine entries, row by row (blocks.py, eigenvalues.py, realizability.py). */

static void product(const dvec *a, const dvec *b, dvec *c)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            c[3 * i + j] = dfma(a[3 * i + 2], b[6 + j], dfma(a[3 * i + 1], b[3 + j], a[3 * i] * b[j]));
}

static dvec dot(int count, const dvec *a, const dvec *b)
{
    dvec sum = a[0] * b[0];
    for (int i = 1; i < count; i++) sum = dfma(a[i], b[i], sum);
    return sum;
}

/* Squares of lengths below 1e-154 vanish: such a length counts as none. */
static dvec length(int count, const dvec *a) { return dsqrt(dot(count, a, a)); }

static void turned(const dvec *tensor, const dvec *vector, dvec *to)
{
    for (int i = 0; i < 3; i++) to[i] = dot(3, tensor + 3 * i, vector);
}

static void deviator(dvec *a)
{
    const dvec mean = a[0] / 3 + a[4] / 3 + a[8] / 3;
    a[0] -= mean, a[4] -= mean, a[8] -= mean;
}

/* A divisor, or one where it is zero: what it divides is zero there, or does not count. */
static dvec divisor(dvec x) { return choose(IS(x == 0), same(1), x); }

/* Descending eigenvalues of a traceless symmetric tensor. */
static void eigenvalues(const dvec *tensor, dvec *value)
{
    dvec b[9], square[9], across[9], largest = same(0);
    for (int i = 0; i < 9; i++) largest = larger(largest, size(tensor[i]));
    for (int i = 0; i < 9; i++) b[i] = tensor[i] / divisor(largest);
    product(b, b, square);
    deviator(square);
    const dvec norm = dot(9, b, b), along = dot(9, b, square);
    for (int i = 0; i < 9; i++) across[i] = square[i] - b[i] * (along / at_least(norm, 1));
    dvec height = dsqrt(dot(9, across, across) * norm), cosine = same(0), sine = same(0);
    for (int l = 0; l < D; l++) {
        const double third = atan2(LANE(height, l), LANE(along, l)) / 3;
        LANE(cosine, l) = cos(third), LANE(sine, l) = sin(third);
    }
    const dvec radius = largest * dsqrt(norm * (2. / 3));
    cosine *= radius, sine *= radius * 0.86602540378443864676;
    value[0] = cosine, value[1] = sine - cosine / 2, value[2] = -(sine + cosine / 2);
}

static const double EPS = 0x1p-52, NEAR = 1e-10;

/* The nearest tensor with no eigenvalue below -1/3, of those that have one: a polynomial in b, no eigenvectors. */
static void clipped(dvec *b, const dvec *value)
{
    const dvec lack = at_least(-1. / 3 - value[2], 0);
    const dmask two = IS(value[0] - value[1] >= 1);
    const dvec own = choose(two, value[0], value[2]), other = choose(two, value[2], value[0]);
    const dvec weight = choose(two, same(1), 1.5 * lack) / divisor(own - value[1]);
    const dvec shift = choose(two, same(1. / 3), lack / 2), gap = divisor(own - other);
    dvec left[9], right[9], dyad[9];
    for (int i = 0; i < 9; i++) left[i] = b[i] - (i % 4 ? same(0) : value[1]);
    for (int i = 0; i < 9; i++) right[i] = (b[i] - (i % 4 ? same(0) : other)) / gap;
    product(left, right, dyad);
    for (int i = 0; i < 9; i++)
        dyad[i] = choose(two, same(0), b[i]) + weight * dyad[i] - (i % 4 ? same(0) : shift);
    for (int i = 0; i < 9; i++) b[i] = (dyad[i] + dyad[i % 3 * 3 + i / 3]) / 2;
    deviator(b);
}

/* The nearest realizable anisotropy of a symmetric traceless tensor; it stays a few units of round-off inside. */
static void realizable(dvec *b)
{
    /* b + I/3 has no negative eigenvalue where its second and third invariants are not negative. */
    const dvec x = b[0] + 1. / 3, y = b[4] + 1. / 3, z = b[8] + 1. / 3;
    const dvec second = x * y + y * z + z * x - b[1] * b[1] - b[2] * b[2] - b[5] * b[5];
    const dvec third = x * (y * z - b[5] * b[5]) - b[1] * (b[1] * z - b[5] * b[2]) + b[2] * (b[1] * b[5] - y * b[2]);
    if (!any(IS(second < NEAR) | IS(third < NEAR))) return;
    dvec value[3], nearest[9];
    eigenvalues(b, value);
    const dmask outside = IS(value[2] < -(1 - 8 * EPS) / 3);
    if (!any(outside)) return;
    memcpy(nearest, b, sizeof nearest);
    clipped(nearest, value);
    eigenvalues(nearest, value);
    const double inside = (1 - 24 * EPS) / 3;
    for (int i = 0; i < 9; i++) b[i] = choose(outside, nearest[i] * (inside / at_least(-value[2], inside)), b[i]);
}
