/* The mean flow in a vector of cells, and what a network sees of it (encoding.py, mean_flow.py, features.py). */

enum { GRADIENT = 0, ENERGY = 9, RATE = 10, WALL = 11, VISCOSITY = 12, ENERGY_SLOPE = 13, PRESSURE_SLOPE = 16, MOTION = 19 };

typedef struct {
    dvec strain[9], s[9], r[9], strain_size, rotation_size, own_size, size; /* own_size is 0 where there is no gradient */
    dvec k, omega, speed, time, nu, wall, wall_time, energy;
    dvec k_slope[3], p_slope[3], k_slope_size, p_slope_size, n[3], q[3], velocity[3];
} Flow;

/* Rows of x at the cells from lane g on, shortened to LARGE: products stay numbers. */
static void shortened(double (*x)[BLOCK], int g, int count, dvec *to)
{
    for (int i = 0; i < count; i++) to[i] = load(x[i] + g);
    const dvec factor = LARGE / at_least(length(count, to), LARGE);
    for (int i = 0; i < count; i++) to[i] *= factor;
}

static void deformation(Flow *f, const dvec *a)
{
    dvec rotation[9];
    for (int i = 0; i < 9; i++) {
        const dvec across = a[i % 3 * 3 + i / 3];
        f->strain[i] = (a[i] + across) / 2, rotation[i] = (a[i] - across) / 2;
    }
    deviator(f->strain);
    f->strain_size = length(9, f->strain), f->rotation_size = length(9, rotation);
    f->own_size = dsqrt(f->strain_size * f->strain_size + f->rotation_size * f->rotation_size);
    f->size = divisor(f->own_size);
    const dvec per = 1 / f->size;
    for (int i = 0; i < 9; i++) f->s[i] = f->strain[i] * per, f->r[i] = rotation[i] * per;
}

static void surroundings(Flow *f, double (*x)[BLOCK], int g)
{
    shortened(x + WALL, g, 1, &f->wall);
    shortened(x + VISCOSITY, g, 1, &f->nu);
    shortened(x + ENERGY_SLOPE, g, 3, f->k_slope);
    shortened(x + PRESSURE_SLOPE, g, 3, f->p_slope);
    f->nu = at_least(f->nu, SMALL);
    f->wall_time = at_most(f->wall * f->wall / f->nu, LARGEST);
    f->k_slope_size = length(3, f->k_slope), f->p_slope_size = length(3, f->p_slope);
    const dvec per = 1 / divisor(f->k_slope_size), own = 1 / (f->p_slope_size + f->speed * f->size);
    for (int i = 0; i < 3; i++) f->n[i] = f->k_slope[i] * per, f->q[i] = f->p_slope[i] * own;
    const dvec shear = 1.41421356237309504880 * f->strain_size, y = at_most(shear * f->wall_time, LARGEST);
    f->energy = f->k + 0.1 * f->nu * shear * (y / (1 + y / 20));
}

static void look(Flow *f, double (*x)[BLOCK], int g)
{
    dvec a[9];
    shortened(x + GRADIENT, g, 9, a);
    shortened(x + ENERGY, g, 1, &f->k);
    shortened(x + RATE, g, 1, &f->omega);
    deformation(f, a);
    f->k = at_least(f->k, SMALL), f->omega = larger(f->omega, LEAST_RATE * length(9, a) + SMALL);
    f->energy = f->k, f->speed = dsqrt(f->k), f->time = 1 / (BETA_STAR * f->omega);
    if (SEES_WALL) surroundings(f, x, g);
    if (SEES_VELOCITY) shortened(x + MOTION, g, 3, f->velocity);
}

/* a / (|a| + |c|), 0 where both are 0. */
static dvec share(dvec a, dvec c) { return a / divisor(size(a) + size(c)); }

static dvec log_of(dvec x) /* of 1 + x */ { return dlog(1 + x); }

static void invariants(const Flow *f, dvec *to)
{
    dvec s2[9], r2[9];
    product(f->s, f->s, s2), product(f->r, f->r, r2);
    const dvec e = f->time * f->own_size, e2 = e * e;
    to[0] = dot(9, f->s, f->s) * e2, to[1] = -dot(9, f->r, f->r) * e2, to[2] = dot(9, s2, f->s) * (e2 * e);
    to[3] = dot(9, r2, f->s) * (e2 * e), to[4] = dot(9, r2, s2) * (e2 * e2);
    for (int i = 0; i < 5; i++) {
        const dvec found = log_of(size(to[i]));
        to[i] = choose(IS(to[i] < 0), -found, found);
    }
}

static void flow_features(const Flow *f, dvec *to)
{
    const dvec reynolds = at_most(f->k / (f->nu * f->omega), LARGEST);
    const dvec wall_reynolds = at_most(f->speed * f->wall / f->nu, LARGEST);
    to[0] = (f->rotation_size - f->strain_size) / (f->rotation_size + f->strain_size + 0x1p-1022);
    to[1] = share(f->strain_size * f->time, same(1));
    to[2] = share(reynolds, same(50)), to[3] = log_of(reynolds);
    to[4] = at_most(wall_reynolds / 50, 2), to[5] = log_of(wall_reynolds);
    to[6] = log_of(f->omega * f->wall_time), to[7] = log_of(f->strain_size * f->wall_time);
    to[8] = share(f->speed, f->omega * f->wall);
}

static void slope_features(const Flow *f, dvec *to)
{
    dvec sn[3], rn[3], sq[3], rq[3];
    turned(f->s, f->n, sn), turned(f->r, f->n, rn), turned(f->s, f->q, sq), turned(f->r, f->q, rq);
    to[0] = share(f->k_slope_size * f->time, f->speed), to[1] = share(f->k_slope_size * f->wall, f->k);
    to[2] = share(f->k_slope_size * f->nu, f->k * f->speed);
    to[3] = dot(3, f->n, sn), to[4] = dot(3, sn, sn), to[5] = dot(3, rn, rn), to[6] = dot(3, sn, rn);
    to[7] = dot(3, f->n, f->q), to[8] = dot(3, f->q, sq), to[9] = dot(3, f->n, sq);
    to[10] = dot(3, sq, sq), to[11] = dot(3, sq, rq);
    to[12] = share(f->p_slope_size * f->time, f->speed), to[13] = share(f->p_slope_size * f->wall, f->k);
    to[14] = share(f->p_slope_size, f->speed * f->strain_size);
}

static void velocity_features(const Flow *f, dvec *to)
{
    dvec strained[3];
    const dvec square = dot(3, f->velocity, f->velocity), u = length(3, f->velocity);
    turned(f->strain, f->velocity, strained);
    to[0] = share(f->k, square / 2), to[1] = share(dot(3, f->velocity, f->p_slope), u * f->p_slope_size);
    to[2] = share(size(dot(3, f->velocity, strained)), square * f->strain_size);
    const dvec production = at_most(2 * f->k / f->omega * f->strain_size * f->strain_size, LARGEST);
    to[3] = share(dot(3, f->velocity, f->k_slope), production);
}

static void features(const Flow *f, dvec *to)
{
    invariants(f, to);
    if (SEES_WALL) flow_features(f, to + 5), slope_features(f, to + 14);
    if (SEES_VELOCITY) velocity_features(f, to + 29);
}
